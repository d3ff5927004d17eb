import { failure } from '../../errors.ts';
import { printResult, say } from '../../ui/output.ts';
import {
  installSchedule,
  planSchedule,
  removeSchedule,
  type SchedulePlan,
} from '../../watch/schedule/install.ts';
import { dropCopy, FROM_MEMORY, loadIntoMemory, unloadFromMemory } from '../../watch/schedule/memory.ts';
import type { Job } from '../../watch/schedule/plan.ts';
import { guestProgram } from '../../watch/schedule/program.ts';
import { confirm } from '../shared/confirm.ts';
import { type MutatingOptions, openTarget } from '../shared/options.ts';
import { notifyConfig, requireAddresses, type WatchOptions } from './options.ts';

export interface WatchInstallOptions extends WatchOptions, MutatingOptions {
  readonly every: number;
  readonly fromDisk: boolean;
  readonly probe: boolean;
}

/** What `watch install --json` and `watch uninstall --json` print. */
export interface ScheduleResult {
  readonly schema: 'mptfix.watch-schedule/1';
  readonly result: 'installed' | 'removed' | 'planned';
  readonly scheduler: string | null;
  readonly everyMinutes: number | null;
  readonly paths: readonly string[];
}

/** `mptfix watch install`: has `watch once` run regularly, also while no disk can be read. */
export async function install(options: WatchInstallOptions, signal: AbortSignal): Promise<number> {
  requireAddresses(options.to);
  const target = openTarget(options, options.dryRun);
  // A configuration that will be refused in the night is refused now.
  const config = await notifyConfig(target, options);
  if (config.to.length === 0 && config.webhook === undefined)
    throw failure(
      'E_USAGE',
      'nobody is named who would be told',
      'mptfix watch install --to admin@example.org',
    );
  const job = jobOf(options, await guestProgram(target));
  const plan = await planSchedule(target, job);
  const result: ScheduleResult = {
    schema: 'mptfix.watch-schedule/1',
    result: options.dryRun ? 'planned' : 'installed',
    scheduler: plan.scheduler.name,
    everyMinutes: job.everyMinutes,
    paths: plan.entries.map(({ path }) => path),
  };
  if (options.dryRun) return show(options, result, page(plan));
  await confirm(page(plan), options, signal);
  const inMemory = job.load !== undefined && target.kind === 'local';
  const copied = inMemory ? await loadIntoMemory(target) : [];
  try {
    await installSchedule(target, plan);
  } catch (error) {
    if (copied.length > 0) await dropCopy(target);
    throw error;
  }
  return show(options, result, page(plan));
}

/** `mptfix watch uninstall`: leaves nothing of it. */
export async function uninstall(
  options: WatchOptions & MutatingOptions,
  signal: AbortSignal,
): Promise<number> {
  const target = openTarget(options, options.dryRun);
  const base = { schema: 'mptfix.watch-schedule/1', scheduler: null, everyMinutes: null } as const;
  if (options.dryRun)
    return show(
      options,
      { ...base, result: 'planned', paths: [] },
      'the schedule and /run/mptfix would be removed',
    );
  await confirm(
    'the watch’s schedule, its copy in memory and its state in /run/mptfix will be removed',
    options,
    signal,
  );
  const paths = await removeSchedule(target);
  await unloadFromMemory(target);
  return show(
    options,
    { ...base, result: 'removed', paths },
    paths.map((path) => `removed ${path}`).join('\n'),
  );
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

function page({ scheduler, entries }: SchedulePlan): string {
  return [
    `by ${scheduler.name}:`,
    ...entries.flatMap((entry) =>
      'link' in entry
        ? ['', `${entry.path} -> ${entry.link}`]
        : [
            '',
            `${entry.path}:`,
            ...entry.content
              .trimEnd()
              .split('\n')
              .map((line) => `  ${line}`),
          ],
    ),
  ].join('\n');
}

function show(options: WatchOptions, result: ScheduleResult, text: string): number {
  printResult(options, result, text);
  return 0;
}
