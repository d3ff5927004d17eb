import { asksReadOnly, type FstabEntry, isBind, kernelNameOf } from '../guest/fstab.ts';
import type { Mount } from '../guest/mounts.ts';
import type { TargetReads } from '../machine/port.ts';
import { fileSystemKind } from './kinds.ts';

/** What somebody wanted: a file system to write to, or one to read only, and how that can be seen. */
export type Intention = 'rw' | { readonly readOnly: string };

type Group = readonly [Mount, ...Mount[]];

interface Rule {
  readonly holds: (mounts: Group, entry: FstabEntry | undefined) => boolean;
  readonly reason: (main: Mount, entry: FstabEntry | undefined) => string;
}

/** Where snapd mounts its packages, whatever the type. */
const SNAP = /^(\/var\/lib\/snapd)?\/snap\//;

/**
 * The first that holds counts. The mount's own flag is the best witness: mount(8) sets it together with the
 * superblock's, a kernel that gives up on a file system sets the superblock's alone (`do_remount`, `ext4_handle_error`).
 */
const READ_ONLY_BY_INTENT: readonly Rule[] = [
  {
    holds: ([{ fsType, source }]) => fileSystemKind(fsType, source) === 'media',
    reason: ({ fsType }) => `${fsType} cannot be written`,
  },
  {
    holds: (mounts) => mounts.every(({ mountPoint }) => SNAP.test(mountPoint)),
    reason: () => 'a snap package',
  },
  {
    holds: ([main]) =>
      fileSystemKind(main.fsType, main.source) === 'union' && main.superOptions.includes('ro'),
    reason: ({ fsType }) => `${fsType}, whose lower file systems are watched themselves`,
  },
  {
    holds: (_, entry) => entry !== undefined && asksReadOnly(entry),
    reason: (_, entry) => `ro in fstab, line ${entry?.line}`,
  },
  {
    holds: (mounts, entry) => entry === undefined && mounts.every(isMountedReadOnly),
    reason: () => 'mounted read-only, and fstab does not name it',
  },
];

/** Whether a file system is meant to be written to, by its type, its mounts and its entry in fstab. */
export function intention(mounts: Group, entry: FstabEntry | undefined): Intention {
  const rule = READ_ONLY_BY_INTENT.find(({ holds }) => holds(mounts, entry));
  const main = mounts.find(({ root }) => root === '/') ?? mounts[0];
  return rule === undefined ? 'rw' : { readOnly: rule.reason(main, entry) };
}

/** The mount's own flag; /proc/mounts, which has no number either, mixes it with the superblock's. */
function isMountedReadOnly({ mountOptions }: Mount): boolean {
  return mountOptions.includes('ro');
}

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
