import { sha256 } from '../../hash.ts';
import type { Target } from '../../machine/port.ts';
import { isAlarm } from '../condition.ts';
import type { Delivery, Notified } from '../document.ts';
import type { Finding, Look } from '../look.ts';
import { machineOf } from '../machine-of.ts';
import type { WatchEvent, WatchState } from '../state.ts';
import { channelsOf, deliver } from './channels.ts';
import type { UsableConfig } from './config.ts';
import { hostName, type Notice, type NoticeItem, noticeOf } from './notice.ts';

/** What a look has found, beside what was kept of the looks before it. `now` in milliseconds. */
export interface Found {
  readonly seen: Look;
  readonly state: WatchState;
  readonly now: number;
}

/**
 * Sends what is due, each kind in one notice however many file systems it is about. Answers the state after it, which is
 * as before for what nobody took.
 */
export async function sendDue(
  target: Target,
  notify: UsableConfig,
  { seen, state, now }: Found,
): Promise<{ readonly state: WatchState; readonly notified: readonly Notified[] }> {
  const { config } = notify;
  const sentBy = await meansOf(target, notify);
  const due = dueNotices({ ...state, events: nowIfChanged(state.events, sentBy) }, seen.findings, now);
  if (due.alarm.length + due.reminder.length + due.recovery.length === 0) return { state, notified: [] };
  const base = { host: await hostName(target), now, lines: seen.trouble.map(({ text }) => text) };
  const channels = channelsOf(machineOf(target), config);
  const events: Record<string, WatchEvent> = { ...state.events };
  const notified: Notified[] = [];
  for (const kind of ['alarm', 'reminder'] as const) {
    const findings = due[kind];
    if (findings.length === 0) continue;
    const items = findings.map((finding) => itemOf(finding, state.events[finding.key], now));
    const notice = noticeOf(kind, items, base);
    // A person's channels are tried again and again, the log has it already.
    const isRetry = kind === 'alarm' && findings.every(({ key }) => state.events[key]?.by === 'kernel-log');
    const usable = isRetry ? channels.filter(({ name }) => name !== 'kernel-log') : channels;
    const tried = await deliver(usable, notice, config.timeLimitSeconds);
    const delivery: Delivery = isRetry && tried.by === null ? { ...tried, by: 'kernel-log' } : tried;
    notified.push(notifiedOf(notice, tried));
    for (const finding of findings) {
      const options = { now, reminderDays: config.reminderDays, sentBy };
      const event = eventAfter(state.events[finding.key], finding, delivery, options);
      if (event !== undefined) events[finding.key] = event;
    }
  }
  if (due.recovery.length > 0) {
    const items = due.recovery.map(({ key, event }) => recoveredItem(key, event, seen, now));
    const notice = noticeOf('recovery', items, base);
    const delivery = await deliver(channels, notice, config.timeLimitSeconds);
    notified.push(notifiedOf(notice, delivery));
    if (delivery.by !== null) for (const { key } of due.recovery) delete events[key];
  }
  return { state: { ...state, events }, notified };
}

/**
 * The configuration, what is wrong with it, and the files that it names, in one word: where nobody could be told by
 * these, others are tried at once.
 */
async function meansOf(target: Target, { config, problem }: UsableConfig): Promise<string> {
  const machine = machineOf(target);
  const paths = [config.smtp?.passwordFile, config.smtp?.caFile, config.sendmail];
  const files = await Promise.all(
    paths.map(async (path) => {
      const status = typeof path === 'string' ? await machine.stat(path).catch(() => undefined) : undefined;
      return [status?.mtime, status?.size, status?.mode, status?.uid];
    }),
  );
  return sha256(JSON.stringify([config, problem, files])).slice(0, 16);
}

/** What only the kernel's log has is due now where it was sent by other means than there are now. */
function nowIfChanged(events: WatchState['events'], sentBy: string): WatchState['events'] {
  const changed = ({ by, sentBy: before }: WatchEvent): boolean => by === 'kernel-log' && before !== sentBy;
  return Object.fromEntries(
    Object.entries(events).map(([key, event]) => [
      key,
      changed(event) ? { ...event, next: new Date(0).toISOString() } : event,
    ]),
  );
}

function itemOf(
  { fileSystem, state, since, evidence }: Finding,
  event: WatchEvent | undefined,
  now: number,
): NoticeItem {
  const { mountPoint, source, device, name, fsType } = fileSystem;
  return {
    ...{ mountPoint, source, device, disk: name, fsType, state, evidence },
    since: event?.since ?? since ?? new Date(now).toISOString(),
  };
}

function recoveredItem(key: string, { mountPoint, source }: WatchEvent, seen: Look, now: number): NoticeItem {
  const found = seen.findings.find((finding) => finding.key === key);
  const { fsType = '', name: disk = null, device = numberIn(key) } = found?.fileSystem ?? {};
  return {
    ...{ mountPoint, source, device, disk, fsType, state: 'ok', evidence: [] },
    since: new Date(now).toISOString(),
  };
}

/** Of one that is no longer mounted. */
function numberIn(key: string): string {
  return /^\d+:\d+/.exec(key)?.[0] ?? '';
}

function notifiedOf({ event, fileSystems }: Notice, { by, errors }: Delivery): Notified {
  return { event, mountPoints: fileSystems.map(({ mountPoint }) => mountPoint), by, errors };
}

/** What somebody is to be notified of now, by the kind of notice that it belongs into. */
interface Due {
  readonly alarm: readonly Finding[];
  readonly reminder: readonly Finding[];
  readonly recovery: readonly { readonly key: string; readonly event: WatchEvent }[];
}

/** Longest time, in minutes, until better channels are tried again where only the kernel's log took a notice. */
const LONGEST_RETRY_MINUTES = 60;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Compares what was found with what somebody was notified of. Pure; `now` in milliseconds. */
function dueNotices(state: WatchState, findings: readonly Finding[], now: number): Due {
  const alarms = findings.filter((finding) => isAlarm(finding.state));
  const isNew = ({ key, state: current }: Finding): boolean =>
    state.events[key]?.told.includes(current) !== true;
  const isDue = ({ key }: Finding): boolean => Date.parse(state.events[key]?.next ?? '') <= now;
  const isRetry = ({ key }: Finding): boolean => state.events[key]?.by === 'kernel-log';
  const stillAlarms = new Set(alarms.map(({ key }) => key));
  return {
    alarm: alarms.filter((finding) => isNew(finding) || (isRetry(finding) && isDue(finding))),
    reminder: alarms.filter((finding) => !isNew(finding) && !isRetry(finding) && isDue(finding)),
    recovery: Object.entries(state.events).flatMap(([key, event]) =>
      stillAlarms.has(key) ? [] : [{ key, event }],
    ),
  };
}

/** The event of a finding after its notice was sent, or was not. Pure. */
function eventAfter(
  before: WatchEvent | undefined,
  finding: Finding,
  { by }: Delivery,
  options: { readonly now: number; readonly reminderDays: readonly number[]; readonly sentBy: string },
): WatchEvent | undefined {
  // Nobody knows: the next run tries again as if it were new.
  if (by === null) return before;
  const { now, reminderDays, sentBy } = options;
  const waits = by === 'kernel-log';
  const times = (before?.times ?? 0) + 1;
  const days = reminderDays[Math.min(times, reminderDays.length) - 1] ?? 1;
  const pause = waits
    ? Math.min(2 ** Math.min(times - 1, 10), LONGEST_RETRY_MINUTES) * 60_000
    : days * DAY_MS;
  const { fileSystem, state, since } = finding;
  return {
    mountPoint: fileSystem.mountPoint,
    source: fileSystem.source,
    since: before?.since ?? since ?? new Date(now).toISOString(),
    told: [...new Set([...(before?.told ?? []), state])],
    reached: [...new Set([...(before?.reached ?? []), ...(waits ? [] : [state])])],
    // Tries that nobody may have read do not make the reminders rarer.
    times: before?.by === 'kernel-log' && !waits ? 1 : times,
    by,
    next: new Date(now + pause).toISOString(),
    sentBy,
  };
}
