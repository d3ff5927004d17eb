import type { Argv } from '../machine/port.ts';

/** How a kind of file system is looked at and repaired while it is not mounted. */
export interface Repair {
  /** Looks, writes nothing, and may run on what is mounted; null where nothing can. */
  readonly look: ((device: string) => Argv) | null;
  /** By hand, when it is unmounted; in this order. */
  readonly commands: (device: string, mountPoint: string) => readonly Argv[];
  readonly note: string;
  /** Whether the boot's fsck does anything for this kind of root. */
  readonly atBoot: boolean;
}

const EXT: Repair = {
  look: (device) => ['e2fsck', '-n', '-f', '--', device],
  commands: (device) => [['e2fsck', '-f', device]],
  note: 'answer its questions; e2fsck -y answers yes to all of them, and may move much into lost+found',
  atBoot: true,
};

/**
 * By the kernel's name for the file system. Sources: e2fsck(8), xfs_repair(8) (a dirty log is replayed by a mount,
 * -L throws it away), btrfs-check(8) (--repair only under guidance).
 */
const REPAIRS: Readonly<Record<string, Repair>> = {
  ext2: EXT,
  ext3: EXT,
  ext4: EXT,
  xfs: {
    look: null,
    commands: (device, mountPoint) => [
      ['mount', device, mountPoint],
      ['umount', mountPoint],
      ['xfs_repair', '-n', device],
    ],
    note: 'the mount replays the log; run xfs_repair without -n only if -n finds something, and never with -L while a mount still works',
    atBoot: false,
  },
  btrfs: {
    look: null,
    commands: (device) => [['btrfs', 'check', '--readonly', device]],
    note: 'never btrfs check --repair unless its developers say so; after the mount: btrfs scrub start',
    atBoot: false,
  },
};

const OTHER: Repair = {
  look: null,
  commands: (device) => [['fsck', '-f', device]],
  note: 'mptfix does not know this kind of file system: read its own fsck’s manual first',
  atBoot: true,
};

export function repairOf(type: string): Repair {
  return Object.hasOwn(REPAIRS, type) ? (REPAIRS[type] ?? OTHER) : OTHER;
}
