import { type FstabEntry, isBind, kernelNameOf } from '../guest/fstab.ts';
import type { Mount } from '../guest/mounts.ts';
import type { TargetReads } from '../machine/port.ts';

/**
 * The entry of fstab that speaks of a file system: the one of a place where it is mounted, else the one that names
 * its disk. Of several entries of one place the one that names the disk, else the last.
 */
export async function entryOf(
  target: Pick<TargetReads, 'hostPath' | 'lstat'>,
  mounts: readonly Mount[],
  name: string | null,
  fstab: readonly FstabEntry[],
): Promise<FstabEntry | undefined> {
  const own = fstab.filter((entry) => !isBind(entry));
  const places = new Set(mounts.map(({ mountPoint }) => mountPoint));
  const here = own.filter(({ mountPoint }) => places.has(mountPoint));
  if (here.length === 1) return here[0];
  for (const entry of here.length > 0 ? here : own) {
    if (mounts.some(({ source }) => source === entry.source)) return entry;
    if (name !== null && (await kernelNameOf(target, entry.source)) === name) return entry;
  }
  return here.at(-1);
}
