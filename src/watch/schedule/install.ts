import { dirname } from 'node:path';
import { failure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { traitsOf } from '../../machine/kinds.ts';
import type { Target } from '../../machine/port.ts';
import { fileStep, planFile, planFolders, planLink } from '../../transaction/files.ts';
import { type Planned, perform } from '../../transaction/perform.ts';
import { typed } from '../../typed.ts';
import { isInMemory, MEMORY_FOLDER } from './program.ts';
import { type Job, runAll, type ScheduleEntry, type Scheduler } from './scheduler.ts';
import { SCHEDULERS, scheduleUser } from './user.ts';

export interface SchedulePlan {
  readonly scheduler: Scheduler;
  readonly entries: readonly ScheduleEntry[];
  /** The job wants a copy of the program in memory. */
  readonly inMemory: boolean;
}

/** What would be written, by the first scheduler that the guest has. Throws E_SCHEDULE where it has none. */
export async function planSchedule(target: Target, job: Job): Promise<SchedulePlan> {
  for (const scheduler of Object.values(SCHEDULERS)) {
    if (!(await scheduler.isPresent(target))) continue;
    const before = await contents(target, scheduler.paths);
    const entries = scheduler.entries(job, (path) => before.get(path) ?? '');
    return { scheduler, entries, inMemory: job.load !== undefined && traitsOf(target).isRunning };
  }
  throw failure(
    'E_SCHEDULE',
    `${target.name} has neither systemd nor /etc/cron.d nor /etc/crontab`,
    `let another scheduler run ${typed('watch once', ['--to', 'ADDRESS'])} every minute`,
  );
}

/**
 * Writes it and starts it, in one transaction; a job that was installed before is replaced. Where that fails, or is
 * killed, all is put back as it was before: at once, or by the next command that may write.
 */
export async function installSchedule(
  target: Target,
  plan: SchedulePlan,
  signal?: AbortSignal,
): Promise<void> {
  await perform(target, scheduleUser, { planned: await scheduleSteps(target, plan), signal });
}

/** The steps of a schedule: the program's copy, its files in place of those of before, and its start. */
export async function scheduleSteps(target: Target, plan: SchedulePlan): Promise<readonly Planned[]> {
  const { scheduler, entries, inMemory } = plan;
  const there = await Promise.all(scheduler.paths.map((path) => target.lstat(path)));
  const isNew = there.every((status) => status === undefined);
  const run = { kind: 'scheduler', scheduler: scheduler.name, isNew } as const;
  const planned: Planned[] = [];
  if (inMemory && !(await isInMemory(target)))
    planned.push({ step: { kind: 'memory-copy', path: MEMORY_FOLDER } });
  // Its undo is the last: then the files are those of before again.
  planned.push({ step: { ...run, action: 'reload' } });
  for (const path of scheduler.paths)
    if (!entries.some((entry) => entry.path === path)) planned.push(...(await removal(target, path)));
  const folders = new Set<string>();
  for (const entry of entries) {
    for (const one of await planFolders(target, dirname(entry.path))) {
      if (one.step.kind !== 'folder' || folders.has(one.step.path)) continue;
      folders.add(one.step.path);
      planned.push(one);
    }
    planned.push(...(await entrySteps(target, entry)));
  }
  planned.push({ step: { ...run, action: 'start' } });
  return planned;
}

/** What has the name goes first where it is of another kind: a link that masks a unit leads to /dev/null. */
async function entrySteps(target: Target, entry: ScheduleEntry): Promise<readonly Planned[]> {
  const { path } = entry;
  const isLink = (await target.readLink(path)) !== undefined;
  if ('link' in entry) {
    const before = isLink ? [] : await removal(target, path);
    return [...before, ...(await planLink(target, path, entry.link))];
  }
  const desired = { path, content: Buffer.from(entry.content), what: WHAT, mode: 0o644 };
  if (!isLink) return planFile(target, desired);
  return [...(await removal(target, path)), fileStep(undefined, desired)];
}

async function removal(target: Target, path: string): Promise<readonly Planned[]> {
  if ((await target.readLink(path)) !== undefined) return planLink(target, path, null);
  return planFile(target, { path, content: null, what: WHAT, mode: 0o644 });
}

const WHAT = 'the watch’s schedule';

/** Takes away what any of the schedulers has of it; answers the paths. */
export async function removeSchedule(target: Target): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const scheduler of Object.values(SCHEDULERS)) {
    const there = [...(await contents(target, scheduler.paths))];
    const links = await Promise.all(
      scheduler.paths.map(async (path) => [path, await target.readLink(path)] as const),
    );
    const ours = there.filter(([path, content]) => scheduler.cleared(path, content) !== content);
    const paths = new Set([
      ...ours.map(([path]) => path),
      ...links.flatMap(([path, link]) => (link ? [path] : [])),
    ]);
    if (paths.size === 0) continue;
    if (traitsOf(target).isRunning) await runAll(target, scheduler.stop);
    for (const path of paths) {
      const content = there.find(([one]) => one === path)?.[1] ?? '';
      const rest = scheduler.cleared(path, content);
      if (rest === undefined) await target.remove(path);
      else await target.write(path, rest, (await target.stat(path)) ?? {});
      if (rest === undefined) await removeEmptyWants(target, dirname(path));
      removed.push(path);
    }
    if (traitsOf(target).isRunning) await runAll(target, scheduler.after);
  }
  return removed;
}

/** systemctl disable leaves no empty `.wants` folder either. */
async function removeEmptyWants(target: Target, folder: string): Promise<void> {
  if (folder.endsWith('.wants') && (await target.list(folder)).length === 0) await target.removeTree(folder);
}

async function contents(target: Target, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of paths) {
    const status = await target.lstat(path);
    const text = status?.type === 'file' ? await target.readText(path, LIMITS.textBytes) : undefined;
    if (text !== undefined) found.set(path, text);
  }
  return found;
}
