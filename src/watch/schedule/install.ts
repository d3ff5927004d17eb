import { dirname } from 'node:path';
import { failure } from '../../errors.ts';
import { makeFolders } from '../../machine/folders.ts';
import type { FileStat, Target } from '../../machine/port.ts';
import { type Job, SCHEDULERS, type ScheduleEntry, type Scheduler } from './plan.ts';

export interface SchedulePlan {
  readonly scheduler: Scheduler;
  readonly entries: readonly ScheduleEntry[];
}

/** What would be written, by the first scheduler that the guest has. Throws E_SCHEDULE where it has none. */
export async function planSchedule(target: Target, job: Job): Promise<SchedulePlan> {
  for (const scheduler of SCHEDULERS) {
    if (!(await scheduler.isPresent(target))) continue;
    const before = await contents(target, scheduler.paths);
    return { scheduler, entries: scheduler.entries(job, (path) => before.get(path) ?? '') };
  }
  throw failure(
    'E_SCHEDULE',
    `${target.name} has neither systemd nor /etc/cron.d nor /etc/crontab`,
    'have its own scheduler run mptfix watch once --to ADDRESS each minute',
  );
}

/** Writes it and starts it; a job that was installed before is replaced. Where that fails, all is as it was before. */
export async function installSchedule(target: Target, plan: SchedulePlan): Promise<void> {
  const before = await remembered(target, plan.scheduler.paths);
  try {
    await writeAndStart(target, plan);
  } catch (error) {
    for (const [path, was] of before) await putBack(target, path, was);
    // What went wrong is told; that this does, too, would hide it.
    if (target.kind === 'local') await runAll(target, plan.scheduler.after).catch(() => undefined);
    throw error;
  }
}

type Remembered =
  | { readonly link: string }
  | { readonly content: string; readonly like: FileStat }
  | undefined;

async function remembered(
  target: Target,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Remembered>> {
  const found = new Map<string, Remembered>();
  const texts = await contents(target, paths);
  for (const path of paths) {
    const link = await target.readLink(path);
    const content = texts.get(path);
    const like = await target.lstat(path);
    if (link !== undefined) found.set(path, { link });
    else found.set(path, content === undefined || like === undefined ? undefined : { content, like });
  }
  return found;
}

async function putBack(target: Target, path: string, was: Remembered): Promise<void> {
  if (was === undefined) {
    if ((await target.lstat(path)) === undefined) return;
    await target.remove(path);
    await removeEmptyWants(target, dirname(path));
  } else if ('link' in was) await target.link(path, was.link);
  else await target.write(path, was.content, was.like);
}

async function writeAndStart(target: Target, { scheduler, entries }: SchedulePlan): Promise<void> {
  const others = scheduler.paths.filter((path) => !entries.some((entry) => entry.path === path));
  for (const path of others) if ((await target.lstat(path)) !== undefined) await target.remove(path);
  for (const entry of entries) {
    await makeFolders(target, dirname(entry.path));
    if ('link' in entry) await target.link(entry.path, entry.link);
    else await target.write(entry.path, entry.content, { mode: 0o644 });
  }
  if (target.kind === 'local') await runAll(target, scheduler.start);
}

/** Takes away what any of the schedulers has of it; answers the paths. */
export async function removeSchedule(target: Target): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const scheduler of SCHEDULERS) {
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
    if (target.kind === 'local') await runAll(target, scheduler.stop);
    for (const path of paths) {
      const content = there.find(([one]) => one === path)?.[1] ?? '';
      const rest = scheduler.cleared(path, content);
      if (rest === undefined) await target.remove(path);
      else await target.write(path, rest, (await target.stat(path)) ?? {});
      if (rest === undefined) await removeEmptyWants(target, dirname(path));
      removed.push(path);
    }
    if (target.kind === 'local') await runAll(target, scheduler.after);
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
    const text = status?.type === 'file' ? await target.readText(path) : undefined;
    if (text !== undefined) found.set(path, text);
  }
  return found;
}

/**
 * systemd refuses who asks from a PID namespace of his own, for it cannot see his number (`Failed to connect to bus: No
 * data available`), so this is on no leash; what systemctl asks for is done by systemd anyway.
 */
async function runAll(target: Target, commands: readonly (readonly [string, ...string[]])[]): Promise<void> {
  for (const argv of commands) {
    const options = { effect: 'write', mayOutlive: true, timeoutMs: 120_000 } as const;
    const { status, stderr } = await target.run(argv, options);
    if (status !== 0 && !/not loaded/.test(stderr))
      throw failure(
        'E_SCHEDULE',
        `${argv.join(' ')}: ${stderr.trim()}`,
        'look at it with systemctl status, then run the command again',
      );
  }
}
