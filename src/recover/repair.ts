import type { InitSystem } from '../guest/init-system.ts';
import type { Argv } from '../machine/program.ts';

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
  note: 'mptfix does not know this kind of file system: read the manual of its fsck first',
  atBoot: true,
};

export function repairOf(type: string): Repair {
  return Object.hasOwn(REPAIRS, type) ? (REPAIRS[type] ?? OTHER) : OTHER;
}

/** How a guest is made to check its root file system at the next boot. */
export interface BootCheck {
  /** What is added to the kernel's command line in the boot loader, once; null where nothing is known to be read. */
  readonly kernelArgument: string | null;
  /** The file that asks for it; it cannot be created where the root is read-only. */
  readonly flagFile: string | null;
  /** What would make the boot skip every check, and must not be there. */
  readonly skips: readonly string[];
  readonly reboot: Argv;
  /** What else has to be known, one line. */
  readonly note: string;
}

const SINGLE_USER =
  'if the check cannot repair it alone, the boot stops at the console and asks for root’s password: have it at hand, and run e2fsck there by hand';

const SYSVINIT: BootCheck = {
  kernelArgument: 'forcefsck',
  flagFile: '/forcefsck',
  skips: ['/fastboot', 'fastboot'],
  reboot: ['reboot'],
  note: SINGLE_USER,
};

/**
 * Sources: rc.sysinit of the initscripts package (RHEL 4 to 6: /forcefsck, or `forcefsck` in the command line);
 * checkroot.sh of Debian's initscripts (the same two); mkinitrd of SLES 10 and 11, which checks the root in the
 * initrd (`forcefsck`), and boot.rootfsck; /etc/init/mountall.conf of Ubuntu (/forcefsck only); OpenRC's init.d/fsck;
 * systemd-fsck@.service(8).
 */
const BOOT_CHECKS: Readonly<Record<InitSystem, BootCheck>> = {
  systemd: {
    kernelArgument: 'fsck.mode=force',
    flagFile: null,
    skips: ['fsck.mode=skip', 'fastboot'],
    reboot: ['systemctl', 'reboot'],
    note: 'add fsck.repair=yes only if nobody can reach the console: it answers yes to every question',
  },
  'upstart-redhat': SYSVINIT,
  'sysvinit-redhat': SYSVINIT,
  'sysvinit-suse': SYSVINIT,
  'sysvinit-debian': {
    ...SYSVINIT,
    note: `FSCKFIX=yes in /etc/default/rcS makes it repair without asking; ${SINGLE_USER}`,
  },
  upstart: {
    kernelArgument: null,
    flagFile: '/forcefsck',
    skips: ['fastboot'],
    reboot: ['reboot'],
    note: 'its mountall reads only /forcefsck, which cannot be created on a read-only root; a superblock with the error flag is checked at boot anyway, otherwise boot a rescue medium and run e2fsck -f there',
  },
  openrc: { ...SYSVINIT, skips: ['fastboot'] },
  unknown: {
    kernelArgument: null,
    flagFile: null,
    skips: [],
    reboot: ['reboot'],
    note: 'mptfix does not know this init system: boot a rescue medium, and check the unmounted root file system there',
  },
};

export function bootCheckOf(init: InitSystem): BootCheck {
  return BOOT_CHECKS[init];
}
