import { once } from 'node:events';
import { lstat, mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { execa } from 'execa';
import { isCode } from './file-errors.ts';
import type { Lock } from './port.ts';
import { ENVIRONMENT } from './programs.ts';

/** On a file system in memory, and root's alone: nobody else can open what is locked there, and so hold it for ever. */
const LOCKS_FOLDER = '/run/mptfix-locks';

const BUSY = 75;
const FOLDER_BUSY = 76;

/**
 * Locks a folder of a guest with flock(2), through util-linux's `flock`. The kernel holds the lock for a child that waits
 * for the end of its input, so it ends with this process, however that ends.
 *
 * Whoever may read a folder may lock it, too. So root locks a file that only root may open, which stands for the folder;
 * and besides the folder itself, as other containers and mptfix before 0.3 do. If that is held by somebody who may not
 * write to the folder, then it does not count.
 *
 * `writes: false` creates nothing: where no run has ever locked the folder, there is no file.
 * Undefined where another run holds it.
 */
export async function lockFolder(
  path: string,
  options: { readonly writes: boolean },
): Promise<Lock | undefined> {
  const lock = await lockByPrograms(path, options);
  // Only then: a bundle looks for this lock when it has the folder open, so one of the two sees the other.
  if (lock === undefined || !(await isOpenInBundle(path))) return lock;
  await lock.release();
  return undefined;
}

async function lockByPrograms(
  path: string,
  { writes }: { readonly writes: boolean },
): Promise<Lock | undefined> {
  const file = await rootsFile(path, writes);
  const first = file === undefined ? [] : flock(file, BUSY);
  const both = await hold([...first, ...flock(path, FOLDER_BUSY)]);
  if (typeof both !== 'number') return both;
  if (both === BUSY || (await isHeldByOwner(path))) return undefined;
  if (file === undefined) return { release: async () => {} };
  const one = await hold(first);
  return typeof one === 'number' ? undefined : one;
}

/** Locks a file for as long as this process lives; undefined where another process has it. */
export async function lockFile(path: string): Promise<Lock | undefined> {
  const lock = await hold(flock(path, BUSY));
  return typeof lock === 'number' ? undefined : lock;
}

function flock(path: string, busy: number): readonly string[] {
  return ['flock', '--nonblock', '--conflict-exit-code', String(busy), path];
}

/** The lock, or the status of a `flock` that found its own held by another process. */
async function hold(locks: readonly string[]): Promise<Lock | number> {
  const [program = '', ...words] = [...locks, 'sh', '-c', 'echo held; exec cat'];
  const child = execa(program, words, {
    env: ENVIRONMENT,
    extendEnv: false,
    cwd: '/',
    reject: false,
    stdin: 'pipe',
    // Ctrl-C reaches the whole foreground group: the lock must survive it until the undo is done.
    detached: true,
    cleanup: true,
  });
  const held = await Promise.race([once(child.stdout, 'data'), child.then(() => undefined)]);
  if (held === undefined) {
    const { exitCode, stderr, shortMessage } = await child;
    if (exitCode === BUSY || exitCode === FOLDER_BUSY) return exitCode;
    throw new Error(`flock failed: ${stderr || shortMessage}`);
  }
  return {
    release: async () => {
      child.stdin.end();
      await child;
    },
  };
}

/** The file that stands for a folder, whatever path leads there; undefined where this process has none. */
async function rootsFile(path: string, writes: boolean): Promise<string | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const { dev, ino } = await stat(path, { bigint: true });
  const file = `${LOCKS_FOLDER}/${dev}-${ino}.lock`;
  try {
    if (writes) await mkdir(LOCKS_FOLDER, { mode: 0o700 }).catch(unlessThere);
    const status = await lstat(LOCKS_FOLDER);
    if (!status.isDirectory() || status.uid !== 0 || (status.mode & 0o077) !== 0) return undefined;
    await (await open(file, writes ? 'a' : 'r', 0o600)).close();
    return file;
  } catch (error) {
    // Without /run, as in a small container, the folder's own lock is the only one.
    if (isCode(error, 'ENOENT') || isCode(error, 'EROFS')) return undefined;
    throw error;
  }
}

function unlessThere(error: unknown): void {
  if (!isCode(error, 'EEXIST')) throw error;
}

/**
 * Whether root, or the user whose folder it is, holds the lock; true where that cannot be seen, as from another container.
 * The kernel tells the process that took it: of a run of mptfix that is `flock`, which is there as long as the lock is.
 */
async function isHeldByOwner(path: string): Promise<boolean> {
  const { ino, uid } = await stat(path, { bigint: true });
  const holders = await holdersOf(ino);
  if (holders.length === 0) return true;
  for (const pid of holders) {
    const owner = await userOf(pid);
    if (owner === 'hidden' || owner === 0 || owner === Number(uid)) return true;
  }
  return false;
}

/** Whether a run that this process can see holds the lock of a folder: it takes nothing, so it stands in no run's way. */
export async function isFolderLocked(path: string): Promise<boolean> {
  if (await isOpenInBundle(path)) return true;
  const { ino, uid } = await stat(path, { bigint: true });
  for (const pid of await holdersOf(ino)) {
    const owner = await userOf(pid);
    const program = await readFile(`/proc/${pid}/comm`, 'latin1').catch(() => '');
    // Numbers of inodes are those of every disk: `flock` is how a run takes it.
    if (program.trim() === 'flock' && (owner === 0 || owner === Number(uid))) return true;
  }
  return false;
}

/** O_DIRECTORY of x86 in octal, which a shell does not use. */
const AS_DIRECTORY = 0o200000;

/**
 * Whether a run of a bundle, or a program that outlived one, is at work: a guest of 2003 has no flock(1), so all of them have the
 * folder open as descriptor 9, or 8 under a shell that keeps 9 to itself (see `lock` in `bundle/sh/guest.sh`).
 */
async function isOpenInBundle(path: string): Promise<boolean> {
  const { dev, ino, uid } = await stat(path);
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of processes) {
    for (const number of [9, 8]) {
      const status = await stat(`/proc/${pid}/fd/${number}`).catch(() => undefined);
      if (status?.ino !== ino || status.dev !== dev) continue;
      const text = await readFile(`/proc/${pid}/fdinfo/${number}`, 'latin1').catch(() => '');
      const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(text)?.[1] ?? '', 8);
      const owner = await userOf(Number(pid));
      if ((flags & AS_DIRECTORY) === 0 && (owner === 0 || owner === uid)) return true;
    }
  }
  return false;
}

/** The processes that hold a lock of flock(2) on what has this number. */
async function holdersOf(ino: bigint): Promise<readonly number[]> {
  // Source: fs/locks.c, lock_get_status(): `1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF`. The device is not always that
  // of stat(2), as on btrfs.
  const lines = (await readFile('/proc/locks', 'latin1')).split('\n');
  const fields = lines.filter((line) => / FLOCK /.test(line)).map((line) => line.trim().split(/[\s:]+/));
  return fields.filter((words) => words[7] === String(ino)).map((words) => Number(words[4]));
}

/** The user who started a process; nobody where it has ended, and what it left holds the lock. */
async function userOf(pid: number): Promise<number | 'hidden' | undefined> {
  if (!(pid > 0)) return 'hidden';
  const text = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  const uid = /^Uid:\t(\d+)/m.exec(text)?.[1];
  return uid === undefined ? undefined : Number(uid);
}
