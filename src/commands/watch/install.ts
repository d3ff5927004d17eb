import type { Target } from '../../machine/port.ts';
import { lockAnyGuest, whileLocked } from '../../transaction/lock.ts';
import { typed } from '../../typed.ts';
import { indent, printResult, say } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { confirm } from '../../ui/prompt.ts';
import { verbatim } from '../../ui/wrap.ts';
import type { ScheduleResult } from '../../watch/document.ts';
import { whyNoWay } from '../../watch/notify/way.ts';
import {
  installSchedule,
  planSchedule,
  removeSchedule,
  type SchedulePlan,
} from '../../watch/schedule/install.ts';
import { FROM_MEMORY, guestProgram, loadIntoMemory, unloadFromMemory } from '../../watch/schedule/program.ts';
import type { Job } from '../../watch/schedule/scheduler.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type MutatingOptions, openTarget } from '../shared/options.ts';
import { settleInterrupted } from '../shared/settle.ts';
import { checkedOptions, requireReader, scheduledConfig, type WatchOptions } from './options.ts';

export interface WatchInstallOptions extends WatchOptions, MutatingOptions {
  readonly every: number;
  readonly fromDisk: boolean;
  readonly probe: boolean;
}

/** `mptfix watch install`: has `watch once` run regularly, also while no disk can be read. */
export async function install(given: WatchInstallOptions, signal: AbortSignal): Promise<number> {
  const options = checkedOptions(given);
  const target = openTarget(options, options.dryRun);
  if (options.dryRun) {
    await reportInterrupted(options);
    const decided = await decide(target, options);
    return show(options, resultOf(decided, 'planned'), page(decided));
  }
  return whileLocked(lockAnyGuest(target), async () => {
    await settleInterrupted(target, 'schedule');
    const decided = await decide(target, options);
    await confirm(page(decided), options, signal);
    await installSchedule(target, decided.plan, signal);
    return show(options, resultOf(decided, 'installed'), done(decided));
  });
}

/** Decides, reading only. Throws E_USAGE where nobody would be notified, and as `planSchedule`. */
async function decide(target: Target, options: WatchInstallOptions): Promise<Decided> {
  // A configuration that will be refused in the night is refused now.
  const config = await scheduledConfig(target, options);
  requireReader(config, `${typed('watch install', ['--to', 'admin@example.org'])}`);
  const noWay = await whyNoWay(target, config);
  const job = jobOf(options, await guestProgram(target));
  return { plan: await planSchedule(target, job), job, notes: noWay === undefined ? [] : [noWay] };
}

interface Decided {
  readonly plan: SchedulePlan;
  readonly job: Job;
  /** What has to be known before it is confirmed. */
  readonly notes: readonly string[];
}

function resultOf({ plan, job, notes }: Decided, result: ScheduleResult['result']): ScheduleResult {
  const paths = plan.entries.map(({ path }) => path);
  const [scheduler, everyMinutes] = [plan.scheduler.name, job.everyMinutes];
  return { schema: 'mptfix.watch-schedule/1', result, scheduler, everyMinutes, paths, notes };
}

/** `mptfix watch uninstall`: leaves nothing of it. */
export async function uninstall(
  options: WatchOptions & MutatingOptions,
  signal: AbortSignal,
): Promise<number> {
  const target = openTarget(options, options.dryRun);
  const base = {
    schema: 'mptfix.watch-schedule/1',
    scheduler: null,
    everyMinutes: null,
    notes: [],
  } as const;
  if (options.dryRun) {
    await reportInterrupted(options);
    const text = 'the schedule and /run/mptfix would be removed';
    return show(options, { ...base, result: 'planned', paths: [] }, text);
  }
  return whileLocked(lockAnyGuest(target), async () => {
    // What somebody has changed since an interrupted installation stays; the watch is taken out of it below.
    await settleInterrupted(target, 'schedule', { leave: true });
    await confirm(
      'the watch’s schedule, its copy in memory and its state in /run/mptfix will be removed',
      options,
      signal,
    );
    const paths = await removeSchedule(target);
    await unloadFromMemory(target);
    const text = paths.map((path) => printable(`removed ${path}`)).join('\n');
    return show(options, { ...base, result: 'removed', paths }, text);
  });
}

/** `mptfix watch load`, which the schedule calls once after boot. */
export async function load(): Promise<number> {
  const copied = await loadIntoMemory(openTarget({}, false));
  say(`${copied.length} files are in memory now`);
  return 0;
}

function jobOf(options: WatchInstallOptions, program: readonly [string, string]): Job {
  const words = [
    ...['watch', 'once'],
    ...(options.to ?? []).flatMap((address) => ['--to', address]),
    ...(options.config === undefined ? [] : ['--config', options.config]),
    ...(options.probe ? ['--probe'] : []),
  ];
  const everyMinutes = options.every;
  if (options.fromDisk)
    return { command: [...program, ...words], load: undefined, environment: {}, everyMinutes };
  const [node, main] = FROM_MEMORY.command;
  return {
    command: [node, main, ...words],
    load: [...program, 'watch', 'load'],
    environment: FROM_MEMORY.environment,
    everyMinutes,
  };
}

function done({ plan, job, notes }: Decided): string {
  const every = job.everyMinutes === 1 ? 'every minute' : `every ${job.everyMinutes} minutes`;
  return [
    `installed: the watch runs ${every}, by ${plan.scheduler.name}`,
    ...plan.entries.map(({ path }) => printable(`  ${path}`)),
    ...notes,
  ].join('\n');
}

function page({ plan: { scheduler, entries }, notes }: Decided): string {
  return [
    ...notes.map((note) => `WARNING: ${note}`),
    `by ${scheduler.name}:`,
    ...entries.flatMap((entry) =>
      'link' in entry
        ? ['', `${entry.path} -> ${entry.link}`]
        : ['', `${entry.path}:`, verbatim(indent(entry.content.trimEnd(), 2))],
    ),
  ].join('\n');
}

function show(options: WatchOptions, result: ScheduleResult, text: string): number {
  printResult(options, result, text);
  return 0;
}
