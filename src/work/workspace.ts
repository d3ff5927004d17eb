import { closeSync, constants } from 'node:fs';
import { access, chmod, chown, lchown, mkdir, mkdtemp, rename, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { failure } from '../errors.ts';
import { uninterrupted } from '../interruption.ts';
import { lockFile } from '../machine/lock.ts';
import { handlePath, openPlace, sharedPath, statDescriptor } from '../machine/places.ts';
import type { Lock, Target } from '../machine/port.ts';
import type { UserIds } from '../machine/program.ts';
import { mustRun, requireTools, TOOLS } from '../machine/tools.ts';
import { localTarget } from '../machine/tree.ts';
import { PARTS, removeWork, sweepLeftovers, UNFINISHED, workFolders } from './removal.ts';
import { freeUsers } from './users.ts';

/**
 * A private folder (0700) of this machine for what is unpacked and compiled, and the user that does so; and another user
 * with a folder of its own, who fetches. Started as root, these two own nothing else and run nothing else, and neither
 * sees what the other has; else both are the caller.
 */
export interface Workspace {
  readonly folder: string;
  /** The machine that compiles: this one. */
  readonly machine: Target;
  /** Set when started as root: what comes from outside is only ever run or unpacked as this user. */
  readonly user: UserIds | undefined;
  /** Set when started as root: who talks to servers, and reads what opens them; never runs what comes from there. */
  readonly fetcher: UserIds | undefined;
  /** Joins a path below the folder. */
  at(...parts: readonly string[]): string;
  /** Joins a path below the fetcher's folder (0700). */
  fetched(...parts: readonly string[]): string;
  /** Joins a path below a third folder, which is this process's own: what the users run cannot put a link there. */
  own(...parts: readonly string[]): string;
  /** Writes a file there, with the folders above it. It is thrown away soon: nothing waits until the disk has it. */
  writeOwn(path: string, content: Uint8Array): Promise<void>;
  /** Makes a folder (0700) of the user's, by a new name, with files by their name; answers its path. */
  userFolder(name: string, files?: ReadonlyMap<string, Uint8Array>): Promise<string>;
  /**
   * Gives what root has put below the user's folder, or the fetcher's, to whom that folder belongs. Follows no link, on the
   * way there neither.
   */
  handOver(path: string): Promise<void>;
  /** Keeps a log beyond this folder's life, in a folder of its own (0700); answers its path. */
  keepLog(name: string, text: string): Promise<string>;
  /** Lets go of the folder, which stays for a person: without its lock no later run takes it for a leftover. */
  keep(): Promise<void>;
  /** Ends whatever the users still run, and removes all of it. */
  dispose(): Promise<void>;
}

/** /var/tmp, not /tmp: it is on a disk also where /tmp is memory, and a kernel's source is large. */
export const DEFAULT_WORK_BASE = '/var/tmp';

/** Also removes what killed runs have left in the base. Throws E_NO_WORK_FOLDER where that is missing or not writable. */
export async function openWorkspace(base: string): Promise<Workspace> {
  const machine = localTarget({ dryRun: false });
  await requireTools(machine, [TOOLS.flock]);
  await sweepLeftovers(machine, base);
  const { path, lock } = await makeFolder(base);
  const dispose = (): Promise<void> =>
    uninterrupted('the work folder is removed first', async () => {
      await removeWork(machine, path);
      await lock.release();
    });
  try {
    const isRoot = process.geteuid?.() === 0;
    const [user, fetcher] = isRoot ? await freeUsers(2, [base, ...(await workFolders(base))]) : [];
    await makeParts(path, user, fetcher);
    if (user !== undefined && !(await isOpenToAll(path)))
      await requireReachable(machine, join(path, PARTS.build), user);
    return {
      machine,
      user,
      fetcher,
      ...places(path, { machine, user, fetcher }),
      keepLog: (name, text) => keepLog(base, name, text),
      keep: async () => {
        await machine.remove(join(path, PARTS.lock));
        await lock.release();
      },
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function makeParts(
  path: string,
  user: UserIds | undefined,
  fetcher: UserIds | undefined,
): Promise<void> {
  await mkdir(join(path, PARTS.own), { mode: 0o700 });
  for (const [part, owner] of [
    [PARTS.build, user],
    [PARTS.fetch, fetcher],
  ] as const) {
    const folder = join(path, part);
    await mkdir(folder, { mode: 0o700 });
    if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
  }
  // The users pass it; they cannot list it, or rename what is in it.
  if (user !== undefined) await chmod(path, 0o711);
}

type Users = Pick<Workspace, 'machine' | 'user' | 'fetcher'>;

function places(
  path: string,
  { machine, user, fetcher }: Users,
): Pick<Workspace, 'folder' | 'at' | 'fetched' | 'own' | 'writeOwn' | 'userFolder' | 'handOver'> {
  const folder = join(path, PARTS.build);
  const fetched = join(path, PARTS.fetch);
  return {
    folder,
    at: (...parts) => join(folder, ...parts),
    fetched: (...parts) => join(fetched, ...parts),
    own: (...parts) => join(path, PARTS.own, ...parts),
    writeOwn: async (file, content) => {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    },
    userFolder: async (name, files = new Map()) => {
      const made = join(folder, name);
      await mkdir(made, { mode: 0o700 });
      // It becomes the user's last: until then nobody can put a link in the place of a file.
      const paths = [...files.keys()].map((file) => join(made, file));
      for (const [file, content] of files)
        await writeFile(join(made, file), content, { flag: 'wx', mode: 0o644 });
      if (user !== undefined) for (const path of [...paths, made]) await lchown(path, user.uid, user.gid);
      return made;
    },
    handOver: async (place) => {
      const isFetchers = isBelow(fetched, place);
      const owner = isFetchers ? fetcher : user;
      if (owner !== undefined) await handOver(machine, { top: isFetchers ? fetched : folder, place, owner });
    },
  };
}

function isBelow(folder: string, path: string): boolean {
  return !relative(folder, path).startsWith('..');
}

interface Gift {
  /** The user's folder, which that user cannot replace. */
  readonly top: string;
  readonly place: string;
  readonly owner: UserIds;
}

/** Each step is opened below the one before: the user may put a link in any place. */
async function handOver(machine: Target, { top, place, owner }: Gift): Promise<void> {
  if (!isBelow(top, place)) throw new Error(`${place} is not below ${top}`);
  const steps = relative(top, place)
    .split('/')
    .filter((step) => step !== '');
  let handle = await openPlace(top, constants.O_NOFOLLOW | constants.O_DIRECTORY);
  try {
    for (const step of steps) {
      const next = await openPlace(join(handlePath(handle), step), constants.O_NOFOLLOW);
      closeSync(handle);
      handle = next;
    }
    const status = await statDescriptor(handle);
    if (status.isSymbolicLink()) throw new Error(`${place} is a link`);
    await chown(handlePath(handle), owner.uid, owner.gid);
    if (!status.isDirectory()) return;
    const self = `${sharedPath(handle)}/.`;
    await mustRun(machine, ['chown', '-R', '-h', '-P', '--', `${owner.uid}:${owner.gid}`, self]);
  } finally {
    closeSync(handle);
  }
}

/** Throws E_NO_WORK_FOLDER where `openWorkspace` would, as far as that shows without making a folder. */
export async function requireWorkBase(base: string): Promise<void> {
  try {
    if (!(await stat(base)).isDirectory()) throw new Error(`${base} is no folder`);
    await access(base, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw noFolder(base, error as Error);
  }
  const folder = resolve(base);
  if (process.geteuid?.() !== 0 || (await isOpenToAll(folder))) return;
  const [user] = await freeUsers(1, [base]);
  if (user !== undefined) await requireReachable(localTarget({ dryRun: true }), folder, user);
}

function noFolder(base: string, cause: Error): Error {
  return failure(
    'E_NO_WORK_FOLDER',
    `cannot make a work folder in ${base}: ${cause.message}`,
    'give --work a folder on a disk with about 1 GB free that you may write to',
    { cause },
  );
}

/** Its lock is taken before it gets the name by which the next run would know it for a leftover. */
async function makeFolder(base: string): Promise<{ readonly path: string; readonly lock: Lock }> {
  try {
    const unfinished = await mkdtemp(join(resolve(base), UNFINISHED));
    const lock = await lockNew(join(unfinished, PARTS.lock));
    const path = join(dirname(unfinished), basename(unfinished).slice(1));
    await rename(unfinished, path);
    return { path, lock };
  } catch (error) {
    throw noFolder(base, error as Error);
  }
}

async function lockNew(path: string): Promise<Lock> {
  await writeFile(path, '', { flag: 'wx', mode: 0o600 });
  const lock = await lockFile(path);
  if (lock === undefined) throw new Error(`somebody else has locked ${path}`);
  return lock;
}

/** A folder below one that only root may enter is of no use to the user that compiles. */
async function requireReachable(machine: Target, folder: string, user: UserIds): Promise<void> {
  const { status } = await machine.run(['test', '-x', folder], { effect: 'read', user });
  if (status === 0) return;
  throw failure(
    'E_NO_WORK_FOLDER',
    `an unprivileged user cannot reach ${folder}, and nothing is compiled as root`,
    'give --work a folder that everybody may enter (chmod a+x on each folder above it), such as /var/tmp',
  );
}

/** Whether everybody may pass a folder and all above it, as nearly always: then nobody need be asked. */
async function isOpenToAll(folder: string): Promise<boolean> {
  if (((await stat(folder)).mode & 0o001) === 0) return false;
  return dirname(folder) === folder || isOpenToAll(dirname(folder));
}

async function keepLog(base: string, name: string, text: string): Promise<string> {
  const path = join(await mkdtemp(join(resolve(base), 'mptfix-log-')), `${name}.log`);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}
