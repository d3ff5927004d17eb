import { type BlockDevices, blockDevices, mapperName } from '../guest/disks.ts';
import { type FstabEntry, isBind, kernelNameOf, readFstab } from '../guest/fstab.ts';
import { type Mount, readMounts } from '../guest/mounts.ts';
import type { TargetReads } from '../machine/port.ts';
import { entryOf, type Intention, intention, namesOne } from './intention.ts';
import { type FileSystemKind, fileSystemKind } from './kinds.ts';

/** A file system of the guest, once however often it is mounted. */
export interface FileSystem {
  /** `8:1`, major:minor of its superblock; of btrfs and the like it is no disk's. Empty: not known. */
  readonly device: string;
  /** As the kernel's messages name its disk: `sda1`, `dm-0`. Null: not known, or it has none. */
  readonly name: string | null;
  /** What the device mapper calls it: `vg-root`. */
  readonly mapper: string | null;
  /** As it was given to mount(8). */
  readonly source: string;
  readonly fsType: string;
  readonly kind: FileSystemKind;
  /** Where it is mounted for people: its whole, in the place that was mounted first. */
  readonly mountPoint: string;
  readonly mounts: readonly [Mount, ...Mount[]];
  readonly fstab: FstabEntry | null;
  readonly intended: Intention;
}

export type FileSystemReads = Pick<TargetReads, 'readText' | 'list' | 'stat' | 'lstat' | 'hostPath'>;

/**
 * What is mounted on a running guest and could lose data: disks, media, unions, and what comes over the network;
 * nothing that lives in memory. Mounts of one superblock are one file system. In the order of the mount table.
 * Touches no file system itself, so that a disk that hangs cannot hold it.
 */
export async function fileSystems(target: FileSystemReads): Promise<readonly FileSystem[]> {
  const [mounts, fstab, devices] = await Promise.all([
    readMounts(target),
    readFstab(target),
    blockDevices(target),
  ]);
  const groups = new Map<string, Group>();
  for (const mount of mounts) {
    if (fileSystemKind(mount.fsType, mount.source) === 'memory') continue;
    const disk = await diskOf(target, mount, fstab, devices);
    const key = fileSystemKey({ device: disk.device, mounts: [mount] });
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { disk, mounts: [mount] });
    else group.mounts.push(mount);
  }
  return Promise.all([...groups.values()].map((group) => describe(target, group, fstab, devices)));
}

interface Disk {
  readonly name: string | null;
  readonly device: string;
}

interface Group {
  readonly disk: Disk;
  readonly mounts: [Mount, ...Mount[]];
}

/**
 * The same for all mounts of one superblock, for others another one: its disk's number; of what is on no disk its number
 * and type; where there is no number (/proc/mounts) its source and type. A source that names nothing (`none`, or
 * `overlay` of an overlay) is many file systems' own: each place of it counts alone.
 */
export function fileSystemKey({ device, mounts: [mount] }: Pick<FileSystem, 'device' | 'mounts'>): string {
  const { source, fsType, mountPoint } = mount;
  if (device !== '') return device.startsWith('0:') ? `${device} ${fsType}` : device;
  return namesOne(source) ? `${source} ${fsType}` : `${source} ${fsType} ${mountPoint}`;
}

async function describe(
  target: FileSystemReads,
  { disk: { name, device }, mounts }: Group,
  fstab: readonly FstabEntry[],
  devices: BlockDevices,
): Promise<FileSystem> {
  const main = mainMount(mounts, fstab);
  const entry = await entryOf(target, mounts, name, fstab);
  return {
    device,
    name,
    mapper: name === null ? null : ((await mapperName(target, name, devices.numberOf.get(name))) ?? null),
    source: main.source,
    fsType: main.fsType,
    kind: fileSystemKind(main.fsType, main.source),
    mountPoint: main.mountPoint,
    mounts,
    fstab: entry ?? null,
    intended: intention(main, mounts, entry),
  };
}

/**
 * Its whole, where it was mounted first. /proc/mounts does not tell a bind mount from the first one: there the place
 * that fstab names is the whole, else one that is writable.
 */
function mainMount(mounts: readonly [Mount, ...Mount[]], fstab: readonly FstabEntry[]): Mount {
  const [first] = mounts;
  if (first.device !== '') return mounts.find(({ root }) => root === '/') ?? first;
  const places = new Set(fstab.filter((entry) => !isBind(entry)).map(({ mountPoint }) => mountPoint));
  return (
    mounts.find(({ mountPoint }) => places.has(mountPoint)) ??
    mounts.find(({ mountOptions }) => !mountOptions.includes('ro')) ??
    first
  );
}

/** The disk by the superblock's number, else by the source's name, else (`/dev/root`) by fstab's. */
async function diskOf(
  target: FileSystemReads,
  mount: Mount,
  fstab: readonly FstabEntry[],
  devices: BlockDevices,
): Promise<Disk> {
  const byNumber = devices.nameOf.get(mount.device);
  if (byNumber !== undefined) return { name: byNumber, device: mount.device };
  const entry = fstab.find(({ mountPoint }) => mountPoint === mount.mountPoint);
  const sources = mount.source === '/dev/root' ? [entry?.source] : [mount.source];
  for (const source of sources) {
    const name = source === undefined ? undefined : await kernelName(target, source, devices);
    if (name !== undefined)
      return { name, device: mount.device === '' ? (devices.numberOf.get(name) ?? '') : mount.device };
  }
  return { name: null, device: mount.device };
}

/** By a link's end; a node that is no link (/dev/mapper/vg-root of 2006) by its number. */
async function kernelName(
  target: FileSystemReads,
  source: string,
  devices: BlockDevices,
): Promise<string | undefined> {
  const named = await kernelNameOf(target, source);
  if (named !== undefined) return named;
  if (!source.startsWith('/dev/')) return undefined;
  const node = await target.stat(source).catch(() => undefined);
  return node?.rdev === undefined ? undefined : devices.nameOf.get(node.rdev);
}
