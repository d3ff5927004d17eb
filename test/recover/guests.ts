import type { Entries } from '../machine/temporary.ts';

const fstab = (pass: number, type = 'ext3'): string =>
  `/dev/sda1 / ${type} defaults 1 ${pass}\n/dev/sdb1 /data ${type} defaults 1 2\nproc /proc proc defaults 0 0\n`;

/** Trees of guests as their distros ship them: as much as tells the init system, and a fstab. */
export const GUESTS: Readonly<Record<string, Entries>> = {
  'RHEL 4': {
    'etc/redhat-release': 'Red Hat Enterprise Linux AS release 4 (Nahant Update 4)\n',
    'etc/rc.d/rc.sysinit': '#!/bin/bash\n',
    'etc/inittab': 'id:3:initdefault:\n',
    'etc/init.d': { link: 'rc.d/init.d' },
    'etc/rc.d/init.d/functions': '',
    'etc/dev.d/default/x': '',
    'usr/bin/udevinfo': '',
    'sbin/init': '',
    'etc/fstab': fstab(1),
  },
  'RHEL 5': {
    'etc/redhat-release': 'Red Hat Enterprise Linux Server release 5 (Tikanga)\n',
    'etc/rc.d/rc.sysinit': '#!/bin/bash\n',
    'etc/inittab': 'id:3:initdefault:\n',
    'usr/bin/udevinfo': '',
    'sbin/init': '',
    'etc/fstab': fstab(1),
  },
  'CentOS 6': {
    'etc/redhat-release': 'CentOS release 6.5 (Final)\n',
    'etc/rc.d/rc.sysinit': '#!/bin/bash\n',
    'etc/inittab': 'id:3:initdefault:\n',
    'etc/init/rcS.conf': '',
    'sbin/initctl': '',
    'sbin/udevadm': '',
    'sbin/init': '',
    'etc/fstab': fstab(1, 'ext4'),
  },
  'SLES 10': {
    'etc/SuSE-release': 'SUSE Linux Enterprise Server 10 (i586)\nVERSION = 10\nPATCHLEVEL = 1\n',
    'etc/init.d/boot.rootfsck': '#!/bin/sh\n',
    'etc/inittab': 'id:5:initdefault:\n',
    'sbin/init': '',
    'usr/bin/udevinfo': '',
    'etc/fstab': fstab(1, 'reiserfs'),
  },
  'Debian 7': {
    'etc/debian_version': '7.11\n',
    'etc/init.d/checkroot.sh': '#!/bin/sh\n',
    'etc/inittab': 'id:2:initdefault:\n',
    'sbin/init': '',
    'sbin/udevadm': '',
    'etc/fstab': fstab(0),
  },
  'Ubuntu 12.04': {
    'etc/lsb-release':
      'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=12.04\nDISTRIB_CODENAME=precise\nDISTRIB_DESCRIPTION="Ubuntu 12.04"\n',
    'etc/init/mountall.conf': '',
    'sbin/initctl': '',
    'sbin/init': '',
    'sbin/udevadm': '',
    'etc/fstab': fstab(1, 'ext4'),
  },
  'RHEL 7': {
    'etc/os-release': 'ID="rhel"\nVERSION_ID="7.9"\nPRETTY_NAME="Red Hat Enterprise Linux Server 7.9"\n',
    'usr/lib/systemd/systemd': '',
    'usr/sbin/init': { link: '../lib/systemd/systemd' },
    sbin: { link: 'usr/sbin' },
    'usr/lib/udev/rules.d/99-vmware-scsi-udev.rules':
      'ACTION=="add", SUBSYSTEMS=="scsi", ATTRS{vendor}=="VMware  ", ATTRS{model}=="Virtual disk    ", RUN+="/bin/sh -c \'echo 180 >/sys$DEVPATH/timeout\'"\n',
    'etc/fstab': fstab(1, 'xfs'),
  },
  'something else': { 'etc/fstab': fstab(1) },
};

/** A fstab of which one line overrides the superblock. */
export const ERRORS = `# <file system> <mount point>
/dev/sda1 /     ext3  errors=continue,noatime 0 1
/dev/sdb1 /data ext3  defaults 0 2
`;
