import type { Finding } from '../look.ts';
import type { WatchEvent, WatchState } from '../state/state.ts';
import { isAlarm } from '../states.ts';
import type { Delivery } from './deliver.ts';

/** What there is to be told now, by what kind of notice it belongs into. */
export interface Due {
  readonly alarm: readonly Finding[];
  readonly reminder: readonly Finding[];
  readonly recovery: readonly { readonly key: string; readonly event: WatchEvent }[];
}

/** Longest time, in minutes, until better channels are tried again where only the kernel's log took a notice. */
const LONGEST_RETRY_MINUTES = 60;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Compares what was found with what was told. Pure; `now` in milliseconds. */
export function dueNotices(state: WatchState, findings: readonly Finding[], now: number): Due {
  const alarms = findings.filter((finding) => isAlarm(finding.state));
  const isNew = ({ key, state: current }: Finding): boolean =>
    state.events[key]?.told.includes(current) !== true;
  const isDue = ({ key }: Finding): boolean => Date.parse(state.events[key]?.next ?? '') <= now;
  const isRetry = ({ key }: Finding): boolean => state.events[key]?.by === 'kernel-log';
  const standing = new Set(alarms.map(({ key }) => key));
  return {
    alarm: alarms.filter((finding) => isNew(finding) || (isRetry(finding) && isDue(finding))),
    reminder: alarms.filter((finding) => !isNew(finding) && !isRetry(finding) && isDue(finding)),
    recovery: Object.entries(state.events).flatMap(([key, event]) =>
      standing.has(key) ? [] : [{ key, event }],
    ),
  };
}

export function isNothing({ alarm, reminder, recovery }: Due): boolean {
  return alarm.length + reminder.length + recovery.length === 0;
}

/** The event of a finding after it was told, or was not. Pure. */
export function eventAfter(
  before: WatchEvent | undefined,
  finding: Finding,
  { by }: Delivery,
  options: { readonly now: number; readonly reminderDays: readonly number[]; readonly hasBetter: boolean },
): WatchEvent | undefined {
  // Nobody knows: the next run tries again as if it were new.
  if (by === null) return before;
  const { now, reminderDays, hasBetter } = options;
  const waits = by === 'kernel-log' && hasBetter;
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
    // Tries that nobody may have read do not make the reminders rarer.
    times: before?.by === 'kernel-log' && !waits ? 1 : times,
    by,
    next: new Date(now + pause).toISOString(),
  };
}
