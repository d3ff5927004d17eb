import { setTimeout } from 'node:timers/promises';
import { BTRFS_LENGTH, BTRFS_OFFSET, type BtrfsSuperblock, btrfsSuperblock } from './btrfs.ts';
import { type ExtSuperblock, extSuperblock } from './ext.ts';
import { type XfsSuperblock, xfsSuperblock } from './xfs.ts';

export type Superblock = ExtSuperblock | XfsSuperblock | BtrfsSuperblock;

/** So much of a device's beginning holds every superblock that is known here. */
export const SUPERBLOCK_BYTES = BTRFS_OFFSET + BTRFS_LENGTH;

/**
 * The superblock in a device's first bytes; undefined where there is none that is known. mkfs leaves an old one of an
 * other kind behind where it lies elsewhere: with `type`, as the kernel has mounted it, only that kind is looked for.
 */
export function parseSuperblock(device: Buffer, type?: string): Superblock | undefined {
  const readers =
    type === undefined
      ? Object.values(READERS)
      : Object.hasOwn(KINDS, type)
        ? [READERS[KINDS[type] ?? 'ext']]
        : [];
  for (const read of readers) {
    const found = read(device);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** How often, and how far apart in milliseconds, a superblock is read whose checksum is wrong. */
const READS = 3;
const PAUSE_MS = 50;

/**
 * The superblock of a mounted file system. The kernel changes it in memory before it computes the checksum: only one
 * that stays wrong is wrong. Undefined where `read` gives nothing, or nothing that is known.
 */
export async function steadySuperblock(
  read: () => Promise<Buffer | undefined>,
  type: string | undefined,
): Promise<Superblock | undefined> {
  for (let reads = 1; ; reads += 1) {
    const bytes = await read();
    const found = bytes && parseSuperblock(bytes, type);
    if (found?.checksum !== 'bad' || reads === READS) return found;
    await setTimeout(PAUSE_MS);
  }
}

const READERS: Readonly<Record<Superblock['kind'], (device: Buffer) => Superblock | undefined>> = {
  btrfs: btrfsSuperblock,
  xfs: xfsSuperblock,
  ext: extSuperblock,
};

/** The superblock's kind, by the name that the kernel has for the file system. */
const KINDS: Readonly<Record<string, Superblock['kind']>> = {
  ext2: 'ext',
  ext3: 'ext',
  ext4: 'ext',
  ext4dev: 'ext',
  xfs: 'xfs',
  btrfs: 'btrfs',
};
