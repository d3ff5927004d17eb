import type { InitSystem } from '../guest/init-system.ts';
import type { Argv } from '../machine/port.ts';

/** How a guest is made to check its root file system at the next boot. */
export interface BootCheck {
  /** What is added to the kernel's command line in the boot loader, once; null where nothing is known to be read. */
  readonly kernelArgument: string | null;
  /** The file that asks for it; it cannot be made where the root is read-only. */
  readonly flagFile: string | null;
  /** What would make the boot skip every check, and must not be there. */
  readonly skips: readonly string[];
  readonly reboot: Argv;
  /** What else has to be known, one line. */
  readonly note: string;
}

const SINGLE_USER =
  'where the check cannot repair by itself, the boot stops at the console and asks for root’s password: have it at hand, and run e2fsck there by hand';

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
    note: 'add fsck.repair=yes only where nobody can reach the console: it answers yes to every question',
  },
  'upstart-redhat': {
    kernelArgument: 'forcefsck',
    flagFile: '/forcefsck',
    skips: ['/fastboot', 'fastboot'],
    reboot: ['reboot'],
    note: SINGLE_USER,
  },
  'sysvinit-redhat': {
    kernelArgument: 'forcefsck',
    flagFile: '/forcefsck',
    skips: ['/fastboot', 'fastboot'],
    reboot: ['reboot'],
    note: SINGLE_USER,
  },
  'sysvinit-suse': {
    kernelArgument: 'forcefsck',
    flagFile: '/forcefsck',
    skips: ['/fastboot', 'fastboot'],
    reboot: ['reboot'],
    note: SINGLE_USER,
  },
  'sysvinit-debian': {
    kernelArgument: 'forcefsck',
    flagFile: '/forcefsck',
    skips: ['/fastboot', 'fastboot'],
    reboot: ['reboot'],
    note: `FSCKFIX=yes in /etc/default/rcS makes it repair without asking; ${SINGLE_USER}`,
  },
  upstart: {
    kernelArgument: null,
    flagFile: '/forcefsck',
    skips: ['fastboot'],
    reboot: ['reboot'],
    note: 'its mountall reads /forcefsck only, which cannot be made on a read-only root; a superblock with the error flag is checked at boot anyway, else boot a rescue medium and run e2fsck -f there',
  },
  openrc: {
    kernelArgument: 'forcefsck',
    flagFile: '/forcefsck',
    skips: ['fastboot'],
    reboot: ['reboot'],
    note: SINGLE_USER,
  },
  unknown: {
    kernelArgument: null,
    flagFile: null,
    skips: [],
    reboot: ['reboot'],
    note: 'mptfix does not know this init system: boot a rescue medium, and check the root file system there while it is not mounted',
  },
};

export function bootCheckOf(init: InitSystem): BootCheck {
  return BOOT_CHECKS[init];
}
