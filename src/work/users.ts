import { randomInt } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unmountedNames } from '../machine/mount-points.ts';
import type { UserIds } from '../machine/program.ts';

/**
 * systemd's range of dynamic users, which no distro gives to a person or a daemon.
 * Source: systemd, "Users, Groups, UIDs and GIDs on systemd Systems".
 */
const DYNAMIC_UIDS = { first: 61184, last: 65519 };

/** Where any user may leave files. */
const OPEN_TO_ALL = ['/tmp', '/var/tmp', '/dev/shm', '/run/user', '/run/lock'] as const;

export function isDynamicUser(uid: number): boolean {
  return uid >= DYNAMIC_UIDS.first && uid <= DYNAMIC_UIDS.last;
}

/**
 * Users who have no name, run nothing and own nothing in the folders where anybody may leave files, nor in those given
 * and one level below.
 */
export async function freeUsers(count: number, folders: readonly string[]): Promise<readonly UserIds[]> {
  const taken = new Set([
    ...(await usersWithProcesses()),
    ...(await usersWithNames()),
    ...(await ownersIn([...OPEN_TO_ALL, ...folders])),
  ]);
  const users: UserIds[] = [];
  while (users.length < count) {
    const uid = randomInt(DYNAMIC_UIDS.first, DYNAMIC_UIDS.last + 1);
    if (taken.has(uid)) continue;
    taken.add(uid);
    users.push({ uid, gid: uid });
  }
  return users;
}

/** A user for a program that reads foreign data, where this process is root; undefined elsewhere. */
export async function unprivileged(): Promise<UserIds | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const [user] = await freeUsers(1, []);
  return user;
}

/** The processes of a user, by whichever of its ids: what is about to become another user counts. */
export async function processesOf(uid: number): Promise<readonly number[]> {
  return (await processes()).filter(({ uids }) => uids.includes(uid)).map(({ pid }) => pid);
}

async function usersWithProcesses(): Promise<readonly number[]> {
  return (await processes()).flatMap(({ uids }) => uids);
}

interface Process {
  readonly pid: number;
  readonly uids: readonly number[];
}

async function processes(): Promise<readonly Process[]> {
  const ids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  return Promise.all(
    ids.map(async (id) => {
      // It may end between the listing and the read.
      const text = await readFile(`/proc/${id}/status`, 'latin1').catch(() => '');
      // A zombie has ended, and only its parent has not heard yet.
      if (/^State:\t[ZX]/m.test(text)) return { pid: Number(id), uids: [] };
      return { pid: Number(id), uids: (/^Uid:\t(.*)$/m.exec(text)?.[1] ?? '').split('\t').map(Number) };
    }),
  );
}

async function usersWithNames(): Promise<readonly number[]> {
  const texts = await Promise.all(
    ['/etc/passwd', '/etc/group'].map((path) => readFile(path, 'latin1').catch(() => '')),
  );
  return texts.flatMap((text) => text.split('\n').map((line) => Number(line.split(':')[2])));
}

/** Of what is mounted there none: any user may mount what never answers whoever looks at it. */
async function ownersIn(folders: readonly string[]): Promise<readonly number[]> {
  const owners = await Promise.all(
    folders.map(async (folder) => {
      const names = await unmountedNames(folder).catch(() => []);
      const paths = names.map((name) => join(folder, name));
      const stats = await Promise.all(paths.map((path) => lstat(path).catch(() => undefined)));
      return stats.map((status) => status?.uid ?? 0);
    }),
  );
  return owners.flat();
}
