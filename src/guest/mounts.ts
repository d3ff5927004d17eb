import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { linesOf } from '../lines.ts';
import { decodeOctal } from '../machine/mount-points.ts';
import type { TargetReads } from '../machine/port.ts';
import type { Mount } from './document.ts';

export type { Mount };

type MountReads = Pick<TargetReads, 'readText'>;

interface MountTable {
  readonly path: string;
  readonly parse: (line: string) => Mount | undefined;
}

/**
 * The best first. Process 1 sees the machine's mounts, a watch in a namespace of its own does not; reading another
 * process's file needs root. Before Linux 2.6.26 there is only /proc/mounts. /etc/mtab is never read: it is a file, and
 * stale as soon as its disk is read-only.
 */
const TABLES: readonly MountTable[] = [
  { path: '/proc/1/mountinfo', parse: mountinfoLine },
  { path: '/proc/self/mountinfo', parse: mountinfoLine },
  { path: '/proc/mounts', parse: mountsLine },
];

/**
 * What is mounted on a running guest, in the kernel's order; empty where no table can be read. Without `rootfs`, which is
 * under the real root on every machine, and without lines that make no sense.
 */
export function readMounts(target: MountReads): Promise<readonly Mount[]> {
  return readTables(target, TABLES);
}

/** The mounts that this process sees: its own writes go through them. */
export function readOwnMounts(target: MountReads): Promise<readonly Mount[]> {
  return readTables(target, TABLES.slice(1));
}

/** The mount that a path lies in: the deepest above it; of several in one place the last, which hides the others. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let deepest: Mount | undefined;
  for (const mount of mounts) {
    const isAbove = mount.mountPoint === '/' || `${path}/`.startsWith(`${mount.mountPoint}/`);
    if (isAbove && mount.mountPoint.length >= (deepest?.mountPoint.length ?? 0)) deepest = mount;
  }
  return deepest;
}

function tooMany(path: string): Error {
  return failure(
    'E_MOUNTS_UNKNOWN',
    `${path} lists more than ${LIMITS.mounts} mounts`,
    'find out which program mounts again and again: `cut -d" " -f5 /proc/self/mountinfo | sort | uniq -c | sort -n | tail`',
  );
}

async function readTables(target: MountReads, tables: readonly MountTable[]): Promise<readonly Mount[]> {
  for (const { path, parse } of tables) {
    const text = await target.readText(path, LIMITS.kernelBytes);
    if (text === undefined || text === '') continue;
    const mounts: Mount[] = [];
    for (const line of linesOf(text)) {
      const mount = parse(line);
      if (mount !== undefined && mount.fsType !== 'rootfs') mounts.push(mount);
      if (mounts.length > LIMITS.mounts) throw tooMany(path);
    }
    return mounts;
  }
  return [];
}

/**
 * A line of proc_pid_mountinfo(5). Between the mount's options and ` - ` there is any number of optional fields:
 * `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
 */
function mountinfoLine(line: string): Mount | undefined {
  const words = line.split(' ');
  const separator = words.indexOf('-', 6);
  const [id, parent, device, root, mountPoint, mountOptions] = words;
  const [fsType, source, superOptions] = separator < 0 ? [] : words.slice(separator + 1);
  if (mountOptions === undefined || fsType === undefined || superOptions === undefined) return undefined;
  if (!/^\d{1,10}:\d{1,10}$/.test(device ?? '') || !isNumber(id) || !isNumber(parent)) return undefined;
  return {
    id: Number(id),
    parent: Number(parent),
    device: device ?? '',
    root: decodeOctal(root ?? ''),
    mountPoint: decodeOctal(mountPoint ?? ''),
    mountOptions: mountOptions.split(','),
    fsType: decodeOctal(fsType),
    source: decodeOctal(source ?? ''),
    superOptions: superOptions.split(','),
  };
}

/** A line of /proc/mounts, in the form of fstab(5): `/dev/sda1 / ext3 rw,data=ordered 0 0`. */
function mountsLine(line: string): Mount | undefined {
  const [source, mountPoint, fsType, options] = line.split(' ');
  if (source === undefined || mountPoint === undefined || fsType === undefined || options === undefined)
    return undefined;
  return {
    device: '',
    root: '/',
    mountPoint: decodeOctal(mountPoint),
    mountOptions: options.split(','),
    fsType: decodeOctal(fsType),
    source: decodeOctal(source),
    superOptions: options.split(','),
  };
}

function isNumber(word: string | undefined): boolean {
  return word !== undefined && /^\d{1,10}$/.test(word);
}
