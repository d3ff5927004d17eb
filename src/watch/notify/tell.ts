import { cleanText } from '../../guest/clean-text.ts';
import type { Target } from '../../machine/port.ts';
import type { Finding, Look } from '../look.ts';
import type { WatchEvent, WatchState } from '../state/state.ts';
import { adviceFor } from './advice.ts';
import { likelyCause } from './cause.ts';
import { channelsOf } from './channels.ts';
import type { NotifyConfig } from './config.ts';
import { type Delivery, deliver } from './deliver.ts';
import { type Due, dueNotices, eventAfter, isNothing } from './due.ts';
import type { Notice, NoticeItem } from './notice.ts';

/** What `watch once --json` says of a notice. */
export interface Told {
  readonly event: Notice['event'];
  readonly mountPoints: readonly string[];
  readonly by: Delivery['by'];
  readonly errors: Delivery['errors'];
}

const MOST_KERNEL_LINES = 20;

/** Tells what is due, each kind in one notice however many file systems it is about; answers the state after it. */
export async function tell(
  target: Target,
  config: NotifyConfig,
  seen: Look,
  state: WatchState,
  now: number,
): Promise<{ readonly state: WatchState; readonly told: readonly Told[] }> {
  const due = dueNotices(state, seen.findings, now);
  if (isNothing(due)) return { state, told: [] };
  const host = await hostName(target);
  const channels = channelsOf(target, config);
  const events: Record<string, WatchEvent> = { ...state.events };
  const told: Told[] = [];
  const hasBetter = channels.some(({ name }) => name !== 'kernel-log');
  for (const kind of ['alarm', 'reminder'] as const) {
    const findings = due[kind];
    if (findings.length === 0) continue;
    const notice = noticeOf(kind, host, findings, seen, state, now);
    // A person's channels are tried again and again, the log has it already.
    const isRetry = kind === 'alarm' && findings.every(({ key }) => state.events[key]?.by === 'kernel-log');
    const usable = isRetry ? channels.filter(({ name }) => name !== 'kernel-log') : channels;
    const tried = await deliver(usable, notice, config.timeLimitSeconds);
    const delivery: Delivery = isRetry && tried.by === null ? { ...tried, by: 'kernel-log' } : tried;
    told.push(toldOf(notice, tried));
    for (const finding of findings) {
      const options = { now, reminderDays: config.reminderDays, hasBetter };
      const event = eventAfter(state.events[finding.key], finding, delivery, options);
      if (event !== undefined) events[finding.key] = event;
    }
  }
  if (due.recovery.length > 0) {
    const notice = recoveryNotice(host, due.recovery, seen, now);
    const delivery = await deliver(channels, notice, config.timeLimitSeconds);
    told.push(toldOf(notice, delivery));
    if (delivery.by !== null) for (const { key } of due.recovery) delete events[key];
  }
  return { state: { ...state, events }, told };
}

export async function hostName(target: Target): Promise<string> {
  const name =
    (await target.readText('/proc/sys/kernel/hostname')) ?? (await target.readText('/etc/hostname'));
  return cleanText(name ?? '') || 'unknown-host';
}

function noticeOf(
  event: 'alarm' | 'reminder',
  host: string,
  findings: readonly Finding[],
  seen: Look,
  state: WatchState,
  now: number,
): Notice {
  const lines = seen.trouble.map(({ text }) => text);
  return {
    schema: 'mptfix.notice/1',
    event,
    host,
    time: new Date(now).toISOString(),
    fileSystems: findings.map((finding) => itemOf(finding, state.events[finding.key], now)),
    cause: likelyCause(lines),
    advice: adviceFor(findings.map(({ state: one }) => one)),
    kernelLines: lines.slice(-MOST_KERNEL_LINES),
  };
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

function recoveryNotice(host: string, due: Due['recovery'], seen: Look, now: number): Notice {
  return {
    schema: 'mptfix.notice/1',
    event: 'recovery',
    host,
    time: new Date(now).toISOString(),
    fileSystems: due.map(({ key, event }) => {
      const found = seen.findings.find((finding) => finding.key === key);
      const { fsType = '', name: disk = null } = found?.fileSystem ?? {};
      const { mountPoint, source } = event;
      return {
        ...{ mountPoint, source, device: key, disk, fsType, state: 'ok', evidence: [] },
        since: new Date(now).toISOString(),
      };
    }),
    cause: '',
    advice: adviceFor(['ok']),
    kernelLines: [],
  };
}

function toldOf({ event, fileSystems }: Notice, { by, errors }: Delivery): Told {
  return { event, mountPoints: fileSystems.map(({ mountPoint }) => mountPoint), by, errors };
}
