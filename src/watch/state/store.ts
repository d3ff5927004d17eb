import { readdir, readFile } from 'node:fs/promises';
import { failure } from '../../errors.ts';
import type { Target } from '../../machine/port.ts';
import { emptyState, parseState, type WatchState } from './state.ts';

/** In memory, so that it can be written while the disks cannot, and is gone with the next boot. */
export const STATE_FOLDER = '/run/mptfix';
const FILE = `${STATE_FOLDER}/watch.json`;
const LOCK = `${STATE_FOLDER}/watch.lock`;
/** A state of a thousand file systems has 300 KB. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * What earlier runs of this boot have left; an empty one where there is none, or where it was torn. Throws
 * E_STATE_UNSAFE where the folder is not root's own: its content decides whether somebody is told.
 */
export async function readState(target: Target): Promise<WatchState> {
  await refuseUnsafe(target);
  const boot = ((await target.readText('/proc/sys/kernel/random/boot_id')) ?? '').trim();
  const status = await target.lstat(FILE).catch(() => undefined);
  if (status?.type !== 'file' || status.size > MOST_BYTES) return emptyState(boot);
  return parseState((await target.readText(FILE)) ?? '', boot);
}

export async function writeState(target: Target, state: WatchState): Promise<void> {
  await openFolder(target);
  await target.write(FILE, `${JSON.stringify(state)}\n`, { mode: 0o600 });
}

/**
 * Keeps two runs from telling the same event. No program is started for it: that would be read from a disk which may
 * be dead. The holder is named by its process id and start time, so that one that was killed keeps nobody out.
 */
export async function lockState(target: Target): Promise<(() => Promise<void>) | undefined> {
  await openFolder(target);
  const own = `${process.pid} ${await startOf(process.pid)}\n`;
  for (let tries = 0; tries < 3; tries += 1) {
    if (await target.create(LOCK, own)) return () => target.remove(LOCK).catch(() => {});
    const [pid = '', start = ''] = ((await target.readText(LOCK)) ?? '').trim().split(' ');
    if (/^\d{1,9}$/.test(pid) && (await isRunning({ pid: Number(pid), start }))) return undefined;
    await target.remove(LOCK).catch(() => {});
  }
  return undefined;
}

/**
 * When a process of this machine was started (field 22 of proc_pid_stat(5)); undefined: there is none. One that was
 * killed while a thread of it waits for a disk is a zombie with that thread, and counts as there.
 */
export async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name in field 2 may hold blanks and parentheses.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields?.[0] !== 'Z') return fields?.[19];
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  return threads.length > 1 ? fields[19] : undefined;
}

export async function isRunning(one: { readonly pid: number; readonly start: string }): Promise<boolean> {
  return one.start !== '' && (await startOf(one.pid)) === one.start;
}

async function openFolder(target: Target): Promise<void> {
  if ((await target.stat('/run')) === undefined) await target.mkdir('/run', 0o755);
  await target.mkdir(STATE_FOLDER, 0o700);
  await refuseUnsafe(target);
}

async function refuseUnsafe(target: Target): Promise<void> {
  const status = await target.lstat(STATE_FOLDER);
  if (status === undefined) return;
  const owner = process.geteuid?.() ?? 0;
  const isOwn = status.uid === 0 || status.uid === owner;
  if (status.type === 'directory' && isOwn && (status.mode & 0o022) === 0) return;
  throw failure(
    'E_STATE_UNSAFE',
    `${STATE_FOLDER} is not a folder of root’s own that only root can write`,
    `look who made it, then remove it: rm -r ${STATE_FOLDER}`,
  );
}
