import { randomInt } from 'node:crypto';
import {
  chmod,
  chown,
  lchown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { failure } from '../errors.ts';
import type { Target, UserIds } from '../machine/port.ts';
import { mustRun } from '../machine/tools.ts';
import { localTarget } from '../machine/tree.ts';

/**
 * A private folder (0700) of this machine, for what is fetched, unpacked and compiled, and the user that does so.
 * Started as root, that user is one that owns nothing else and runs nothing else; else it is the caller.
 */
export interface Workspace {
  readonly folder: string;
  /** The machine that compiles: this one. */
  readonly machine: Target;
  /** Set when started as root: what comes from outside is only ever run or unpacked as this user. */
  readonly user: UserIds | undefined;
  /** Joins a path below the folder. */
  at(...parts: readonly string[]): string;
  /** Joins a path below a second folder, which is this process's own: what the user runs cannot put a link there. */
  own(...parts: readonly string[]): string;
  /** Writes a file there, with the folders above it. It is thrown away soon: nothing waits until the disk has it. */
  writeOwn(path: string, content: Uint8Array): Promise<void>;
  /** Makes an empty folder (0700) of the user's, by a new name; answers its path. */
  userFolder(name: string): Promise<string>;
  /** Gives what root has put below a folder to the user. */
  handOver(path: string): Promise<void>;
  /** Keeps a log beyond this folder's life, in a folder of its own (0700); answers its path. */
  keepLog(name: string, text: string): Promise<string>;
  dispose(): Promise<void>;
}

/** /var/tmp, not /tmp: it is on a disk also where /tmp is memory, and a kernel's source is large. */
export const DEFAULT_WORK_BASE = '/var/tmp';

/**
 * systemd's range of dynamic users, which no distro gives to a person or a daemon.
 * Source: systemd, "Users, Groups, UIDs and GIDs on systemd Systems".
 */
const DYNAMIC_UIDS = { first: 61184, last: 65519 };

/** Throws E_NO_WORK_FOLDER where the base is missing or not writable. */
export async function openWorkspace(base: string): Promise<Workspace> {
  const machine = localTarget({ dryRun: false });
  const folder = await makeFolder(base);
  const user = process.geteuid?.() === 0 ? await unusedUser() : undefined;
  if (user !== undefined) {
    await chown(folder, user.uid, user.gid);
    await requireReachable(machine, folder, user);
  }
  const own = await makeFolder(base).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    folder,
    machine,
    user,
    at: (...parts) => join(folder, ...parts),
    own: (...parts) => join(own, ...parts),
    writeOwn: async (path, content) => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    },
    userFolder: async (name) => {
      const path = join(folder, name);
      await mkdir(path, { mode: 0o700 });
      if (user !== undefined) await lchown(path, user.uid, user.gid);
      return path;
    },
    handOver: async (path) => {
      if (user === undefined) return;
      await mustRun(machine, ['chown', '-R', '-h', `${user.uid}:${user.gid}`, path]);
    },
    keepLog: (name, text) => keepLog(base, name, text),
    dispose: async () => {
      for (const path of [folder, own]) await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function makeFolder(base: string): Promise<string> {
  try {
    const folder = await mkdtemp(join(resolve(base), 'mptfix-'));
    await chmod(folder, 0o700);
    return folder;
  } catch (error) {
    throw failure(
      'E_NO_WORK_FOLDER',
      `cannot make a work folder in ${base}: ${(error as Error).message}`,
      'give --work a folder on a disk with about 1 GB free that you may write to',
      { cause: error },
    );
  }
}

/** A folder below one that only root may enter is of no use to the user that compiles. */
async function requireReachable(machine: Target, folder: string, user: UserIds): Promise<void> {
  if (await isOpenToAll(dirname(folder))) return;
  const { status } = await machine.run(['test', '-x', folder], { effect: 'read', user });
  if (status === 0) return;
  await rm(folder, { recursive: true, force: true });
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

async function unusedUser(): Promise<UserIds> {
  const taken = await usersWithProcesses();
  for (;;) {
    const uid = randomInt(DYNAMIC_UIDS.first, DYNAMIC_UIDS.last + 1);
    if (!taken.has(uid)) return { uid, gid: uid };
  }
}

async function usersWithProcesses(): Promise<ReadonlySet<number>> {
  const ids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  // A process may end between the listing and the read.
  const texts = await Promise.all(ids.map((id) => readFile(`/proc/${id}/status`, 'utf8').catch(() => '')));
  return new Set(texts.map((text) => Number(/^Uid:\t(\d+)/m.exec(text)?.[1])));
}
