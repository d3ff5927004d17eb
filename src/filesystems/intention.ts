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
    reason: ({ fsType, source }) =>
      fileSystemKind(fsType, '') === 'media'
        ? `${fsType} cannot be written`
        : `${source} is a drive of media`,
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
export function intention(main: Mount, mounts: Group, entry: FstabEntry | undefined): Intention {
  const rule = READ_ONLY_BY_INTENT.find(({ holds }) => holds(mounts, entry));
  return rule === undefined ? 'rw' : { readOnly: rule.reason(main, entry) };
}

/** The mount's own flag; /proc/mounts, which has no number either, mixes it with the superblock's. */
function isMountedReadOnly({ mountOptions }: Mount): boolean {
  return mountOptions.includes('ro');
}

/**
 * Whether a source is the name of one file system: a device or an export (`/dev/sda1`, `server:/home`), not a word that
 * anything may be mounted by (`none`, `overlay`).
 */
export function namesOne(source: string): boolean {
  return /[/:]/.test(source);
}

/**
 * The entry of fstab that speaks of a file system: one of a place where it is mounted, else one that names its disk.
 * Of several entries of one place the one that names the disk, else the last. Of several places (the subvolumes of a
 * btrfs) one that wants it writable: it has one superblock.
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
  const named: FstabEntry[] = [];
  for (const entry of here.length > 0 ? here : own)
    if (await namesDisk(target, entry, mounts, name)) named.push(entry);
  const lastOfEach = [...new Map(here.map((entry) => [entry.mountPoint, entry])).values()];
  const best = named.length > 0 ? named : lastOfEach;
  return best.find((entry) => !asksReadOnly(entry)) ?? best[0];
}

async function namesDisk(
  target: Pick<TargetReads, 'hostPath' | 'lstat'>,
  entry: FstabEntry,
  mounts: readonly Mount[],
  name: string | null,
): Promise<boolean> {
  if (namesOne(entry.source) && mounts.some(({ source }) => source === entry.source)) return true;
  return name !== null && (await kernelNameOf(target, entry.source)) === name;
}
