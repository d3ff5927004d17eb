import { constants } from 'node:fs';
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isFailure } from '../errors.ts';
import { lockFile } from '../machine/lock.ts';
import { unmountedNames } from '../machine/mount-points.ts';
import type { Target } from '../machine/port.ts';
import type { Argv, RunOptions, UserIds } from '../machine/program.ts';
import { isDynamicUser, processesOf } from './users.ts';

/**
 * What is in a work folder. The folder itself is this process's own: the users may pass it, and neither list it nor
 * change it.
 */
export const PARTS = {
  /** The user's who builds. */
  build: 'build',
  /** The user's who fetches. */
  fetch: 'fetch',
  /** This process's own. */
  own: 'own',
  /** Locked as long as the run lives. */
  lock: 'lock',
} as const;

const NAME = /^mptfix-work-[A-Za-z0-9]{6}$/;
/** Before its lock is taken. */
export const UNFINISHED = '.mptfix-work-';

/**
 * Ends whatever the users still run, and then removes the folder: what they own is removed by themselves, in a sandbox
 * that shows nothing else, so that whatever link is or comes in a folder's place leads nowhere.
 */
export async function removeWork(machine: Target, folder: string): Promise<void> {
  for (const part of [PARTS.build, PARTS.fetch]) {
    const path = join(folder, part);
    const status = await lstat(path).catch(() => undefined);
    if (status?.isDirectory() !== true) continue;
    const user = isDynamicUser(status.uid) ? { uid: status.uid, gid: status.gid } : undefined;
    // One that no signal ends, as it waits for a disk: the next run tries again.
    if (user !== undefined && !(await endAll(machine, user))) return;
    if ((await readdir(path)).length > 0) await emptyAs(machine, path, user);
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

const TRIES = 100;
const PAUSE_MS = 20;

/** kill(2) of -1 by the user itself reaches all of that user's processes at once, also those that fork. */
async function endAll(machine: Target, user: UserIds): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    if ((await processesOf(user.uid)).length === 0) return true;
    await machine.run(['sh', '-c', 'kill -KILL -1'], { effect: 'read', user });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return false;
}

/** A folder may be closed to its own owner; what another owns is left for root. */
const EMPTY = 'chmod -R u+rwX "$1" 2>/dev/null; find "$1" -mindepth 1 -delete 2>/dev/null';

async function emptyAs(machine: Target, path: string, user: UserIds | undefined): Promise<void> {
  const empty = (place: string, sandbox: Pick<RunOptions, 'sandbox'>) => {
    const argv: Argv = ['sh', '-c', EMPTY, 'sh', place];
    return machine.run(argv, { effect: 'write', user, ...sandbox });
  };
  try {
    await empty('/work', { sandbox: { readOnly: [], writable: [{ from: path, to: '/work' }] } });
  } catch (error) {
    if (!isFailure(error)) throw error;
    // Without bubblewrap: the user owns nothing else anyway.
    await empty(path, {});
  }
}

/**
 * Removes the work folders of runs that were killed. One is known by its name and its owner, who is this process's, and
 * by its lock, which died with the run: what a live run holds stays, and so does what anybody else has put there.
 */
export async function sweepLeftovers(machine: Target, base: string): Promise<void> {
  for (const name of await unmountedNames(base).catch(() => [])) {
    if (NAME.test(name)) await sweepOne(machine, join(base, name)).catch(() => {});
    else if (name.startsWith(UNFINISHED)) await sweepUnfinished(join(base, name)).catch(() => {});
  }
}

/** The work folders that are in the base, of whatever run. Where something is mounted, it is none of them. */
export async function workFolders(base: string): Promise<readonly string[]> {
  return (await unmountedNames(base)).filter((name) => NAME.test(name)).map((name) => join(base, name));
}

async function sweepOne(machine: Target, folder: string): Promise<void> {
  if (!(await isOurs(folder))) return;
  const path = join(folder, PARTS.lock);
  // `flock` would wait for a FIFO.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  await file.close();
  const lock = await lockFile(path);
  if (lock === undefined) return;
  try {
    await removeWork(machine, folder);
  } finally {
    await lock.release();
  }
}

/** Nothing is in it but a lock: it gets its name before anything else is put there. */
async function sweepUnfinished(folder: string): Promise<void> {
  const old = Date.now() - 60 * 60_000;
  if ((await isOurs(folder)) && (await lstat(folder)).mtimeMs < old)
    await rm(folder, { recursive: true, force: true });
}

async function isOurs(folder: string): Promise<boolean> {
  const status = await lstat(folder);
  return status.isDirectory() && status.uid === process.geteuid?.() && (status.mode & 0o022) === 0;
}
