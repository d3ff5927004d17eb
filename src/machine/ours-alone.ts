import { lstat, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { linesOf } from '../lines.ts';
import { decodeOctal } from './mount-points.ts';

/** File systems whose files this kernel alone changes: no server, no program, and no layer below that has another name. */
const OF_THIS_KERNEL: ReadonlySet<string> = new Set([
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'f2fs',
  'tmpfs',
]);

const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;

/**
 * Whether nobody but this process's user and root can put another folder in the place of this one, so far as owners and
 * modes of it and of all folders above it say so. Of a tree's folder (`isHere` is false) root is not enough, whose programs
 * in a container this process may not see, and it must lie on a disk of this machine, with nothing mounted below it.
 * `folder` is an absolute path without links. What is in it is not looked at.
 */
export async function isOursAlone(folder: string, isHere: boolean): Promise<boolean> {
  if (!(await areAllOurs(folder, isHere))) return false;
  return isHere || isOnOwnDisk(folder, await mountTable());
}

/** Whether what lies there belongs to nobody but us and, on this machine, root. */
export function isOwnerTrusted(owner: number, isHere: boolean): boolean {
  return owner === process.geteuid?.() || (isHere && owner === 0);
}

async function areAllOurs(folder: string, isHere: boolean): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    const status = await lstat(path).catch(() => undefined);
    if (status?.isDirectory() !== true) return false;
    if (!isOwnerTrusted(status.uid, isHere || path !== folder)) return false;
    // In a sticky folder nobody moves what is another's: /tmp, /var/tmp. What is in the folder itself could be added to.
    const isSticky = path !== folder && (status.mode & STICKY) !== 0;
    if ((status.mode & OTHERS_WRITE) !== 0 && !isSticky) return false;
    if (path === '/') return true;
  }
}

interface Mounted {
  readonly place: string;
  readonly type: string;
}

/** Later lines lie over earlier ones. Source: proc_pid_mountinfo(5). */
async function mountTable(): Promise<readonly Mounted[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return [...linesOf(text)].flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const place = before.split(' ')[4];
    return place === undefined ? [] : [{ place: decodeOctal(place), type: after.split(' ')[0] ?? '' }];
  });
}

/** Exported for its test. */
export function isOnOwnDisk(folder: string, mounts: readonly Mounted[]): boolean {
  const isWithin = (path: string, place: string): boolean =>
    path === place || place === '/' || path.startsWith(`${place}/`);
  if (mounts.some(({ place }) => place !== folder && isWithin(place, folder))) return false;
  const above = mounts.filter(({ place }) => isWithin(folder, place));
  const deepest = Math.max(...above.map(({ place }) => place.length));
  const type = above.findLast(({ place }) => place.length === deepest)?.type;
  return type !== undefined && OF_THIS_KERNEL.has(type);
}
