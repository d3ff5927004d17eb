import type { Case } from './cases.ts';
import { partitions } from './guest.ts';

/** A mount table in the shape of one distro and era, and what both watches have to say of it. */
export interface MountTable extends Case {
  /** Each file system once, by the place that it is reported by, as the watch in Node lists them. */
  readonly places: readonly string[];
}

const lines = (...all: readonly string[]): string => `${all.join('\n')}\n`;
const SDA = { 'proc/partitions': partitions('8:0 sda', '8:1 sda1', '8:2 sda2', '8:3 sda3', '8:17 sdb1') };

export const MOUNT_TABLES: readonly MountTable[] = [
  {
    name: 'a 2.4: /proc/mounts alone, a CD-ROM in the drive, none as the source of many',
    files: {
      ...SDA,
      'proc/mounts': lines(
        'rootfs / rootfs rw 0 0',
        '/dev/root / ext3 rw 0 0',
        '/proc /proc proc rw 0 0',
        'none /dev/pts devpts rw 0 0',
        '/dev/sda3 /home ext3 rw 0 0',
        'none /dev/shm tmpfs rw 0 0',
        '/dev/cdrom /mnt/cdrom iso9660 ro,nosuid,nodev 0 0',
      ),
      'etc/fstab': lines(
        'LABEL=/ / ext3 defaults 1 1',
        'none /dev/pts devpts gid=5,mode=620 0 0',
        'none /proc proc defaults 0 0',
        '/dev/cdrom /mnt/cdrom udf,iso9660 noauto,owner,kudzu 0 0',
      ),
    },
    places: ['/', '/home', '/mnt/cdrom'],
  },
  {
    name: 'a 2.4: /home has turned read-only',
    files: {
      ...SDA,
      'proc/mounts': lines(
        'rootfs / rootfs rw 0 0',
        '/dev/root / ext3 rw 0 0',
        '/dev/sda3 /home ext3 ro 0 0',
      ),
      'etc/fstab': 'LABEL=/ / ext3 defaults 1 1\nLABEL=/home /home ext3 defaults 1 2\n',
    },
    places: ['/', '/home'],
    alarms: ['/home'],
  },
  {
    name: 'SLES 9: subfs watches the drives, and the disks are fine',
    files: {
      ...SDA,
      'proc/mounts': lines(
        'rootfs / rootfs rw 0 0',
        '/dev/sda2 / reiserfs rw 0 0',
        'tmpfs /dev/shm tmpfs rw 0 0',
        '/dev/hdc /media/dvd subfs ro,nosuid,nodev 0 0',
        '/dev/fd0 /media/floppy subfs rw,sync,nosuid,nodev 0 0',
      ),
      'etc/fstab': lines(
        '/dev/sda2 / reiserfs acl,user_xattr 1 1',
        '/dev/dvd /media/dvd subfs fs=cdfss,procuid,nosuid,nodev,exec 0 0',
      ),
    },
    places: ['/', '/media/dvd', '/media/floppy'],
  },
  {
    name: '2.6.18: a chroot sees the same disk read-only by a bind mount; /proc/mounts mixes both flags',
    files: {
      ...SDA,
      'proc/mounts': lines(
        '/dev/sda1 /srv/jail/lib ext3 ro,data=ordered 0 0',
        '/dev/sda1 / ext3 rw,data=ordered 0 0',
        '/dev/sda1 /srv/jail/usr ext3 ro,data=ordered 0 0',
      ),
      'etc/fstab': '/dev/sda1 / ext3 defaults 1 1\n/lib /srv/jail/lib none bind,ro 0 0\n',
    },
    places: ['/'],
  },
  {
    name: '2.6.18: the same disk in two places, and both are read-only',
    files: {
      ...SDA,
      'proc/mounts': lines(
        '/dev/sda1 / ext3 ro,data=ordered 0 0',
        '/dev/sda1 /srv/jail ext3 ro,data=ordered 0 0',
      ),
      'etc/fstab': '/dev/sda1 / ext3 defaults 1 1\n',
    },
    places: ['/'],
    alarms: ['/'],
  },
  {
    name: 'the device mapper by two of its names in /proc/mounts is one file system',
    files: {
      'proc/partitions': partitions('8:1 sda1', '253:0 dm-0'),
      'proc/mounts': lines('/dev/dm-0 /jail ext3 ro 0 0', '/dev/dm-0 / ext3 rw 0 0'),
      'etc/fstab': '/dev/dm-0 / ext3 defaults 1 1\n',
    },
    places: ['/'],
  },
  {
    name: 'none is the source of an overlay, of 9p and of a union: each is a file system of its own',
    files: {
      'proc/mounts': lines(
        'none / overlay rw,lowerdir=/a,upperdir=/b,workdir=/c 0 0',
        'none /etc/hosts 9p ro,trans=fd,rfdno=4 0 0',
        'none /etc/hostname 9p rw,trans=fd,rfdno=5 0 0',
        'none /cow aufs ro,si=1f 0 0',
        'none /proc proc rw 0 0',
      ),
      'etc/fstab': 'none /proc proc defaults 0 0\nnone /tmp tmpfs defaults 0 0\n',
    },
    places: ['/', '/etc/hosts', '/etc/hostname', '/cow'],
  },
  {
    name: 'a share by 9p that fstab wants writable is read-only, beside another one that is writable',
    files: {
      'proc/mounts': lines(
        '/dev/vda1 / ext4 rw 0 0',
        'none /host 9p rw,trans=virtio 0 0',
        'none /share 9p ro,trans=virtio 0 0',
      ),
      'etc/fstab': '/dev/vda1 / ext4 defaults 0 1\nnone /share 9p trans=virtio 0 0\n',
    },
    places: ['/', '/host', '/share'],
    alarms: ['/share'],
  },
  {
    name: 'a container of docker: overlay, files of the host’s disk, masked parts of /proc',
    files: {
      ...SDA,
      'proc/1/mountinfo': lines(
        '900 800 0:61 / / rw,relatime master:300 - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir=/u/diff,workdir=/u/work',
        '901 900 0:64 / /proc rw,nosuid - proc proc rw',
        '902 900 0:65 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755',
        '903 900 8:1 /var/lib/docker/containers/77/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro',
        '904 900 8:1 /var/lib/docker/containers/77/hosts /etc/hosts ro,relatime - ext4 /dev/sda1 rw,errors=remount-ro',
        '905 901 0:64 /sys /proc/sys ro,nosuid - proc proc rw',
        '906 901 0:66 / /proc/acpi ro,relatime - tmpfs tmpfs ro',
      ),
    },
    places: ['/', '/etc/resolv.conf'],
  },
  {
    name: 'a pod with a read-only root: its overlay is meant so',
    files: {
      'proc/1/mountinfo': lines(
        '900 800 0:61 / / ro,relatime - overlay overlay rw,lowerdir=/l/A,upperdir=/u/diff,workdir=/u/work',
        '901 900 259:1 /kubelet/pods/5/volumes/data /data rw - xfs /dev/nvme0n1p1 rw,attr2,inode64',
        '902 900 0:70 / /etc/config ro,relatime - tmpfs tmpfs rw,size=1024k',
        '903 900 259:1 /kubelet/pods/5/etc-hosts /etc/hosts rw - xfs /dev/nvme0n1p1 rw,attr2,inode64',
      ),
    },
    places: ['/', '/data'],
  },
  {
    name: 'the disk under two overlays turns read-only: one alarm, for the disk',
    files: {
      ...SDA,
      'proc/1/mountinfo': lines(
        '27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 ro,errors=remount-ro',
        '90 27 0:61 / /var/lib/docker/overlay2/aa/merged rw - overlay overlay rw,lowerdir=/l/A,upperdir=/u/a,workdir=/w/a',
        '91 27 0:62 / /var/lib/docker/overlay2/bb/merged rw - overlay overlay ro,lowerdir=/l/A',
      ),
      'etc/fstab': '/dev/sda1 / ext4 errors=remount-ro 0 1\n',
    },
    places: ['/', '/var/lib/docker/overlay2/aa/merged', '/var/lib/docker/overlay2/bb/merged'],
    alarms: ['/'],
  },
  {
    name: 'snap: squashfs on loop devices, and one of them by FUSE',
    files: {
      ...SDA,
      'proc/1/mountinfo': lines(
        '27 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw',
        '40 27 7:0 / /snap/core20/2318 ro,nodev,relatime shared:20 - squashfs /dev/loop0 ro,errors=continue',
        '41 27 7:1 / /snap/lxd/24061 ro,nodev - squashfs /dev/loop1 ro',
        '42 27 0:70 / /snap/hello/42 ro,nosuid - fuse.squashfuse squashfuse ro,user_id=0',
        '43 27 7:2 / /var/lib/snapd/snap/tool/3 ro - erofs /dev/loop2 ro',
        '44 27 0:27 /snapd/ns /run/snapd/ns rw - tmpfs tmpfs rw',
      ),
      'etc/fstab': '/dev/disk/by-uuid/77 / ext4 defaults 0 1\n',
    },
    places: ['/', '/snap/core20/2318', '/snap/lxd/24061', '/snap/hello/42', '/var/lib/snapd/snap/tool/3'],
  },
  {
    name: 'btrfs: subvolumes of one file system, a snapshot of it mounted ro',
    files: {
      ...SDA,
      'proc/1/mountinfo': lines(
        '27 1 0:24 /@ / rw,relatime shared:1 - btrfs /dev/sda2 rw,space_cache=v2,subvolid=256,subvol=/@',
        '30 27 0:24 /@home /home rw,relatime - btrfs /dev/sda2 rw,space_cache=v2,subvolid=257,subvol=/@home',
        '31 27 0:24 /@snapshots/3 /.snapshots ro,relatime - btrfs /dev/sda2 rw,subvolid=300,subvol=/@snapshots/3',
      ),
      'etc/fstab': lines(
        '/dev/sda2 / btrfs subvol=@ 0 0',
        '/dev/sda2 /home btrfs subvol=@home 0 0',
        '/dev/sda2 /.snapshots btrfs ro,subvol=@snapshots/3 0 0',
      ),
    },
    places: ['/'],
  },
  {
    name: 'btrfs with a root that is ro by fstab, and the kernel has turned all of it',
    files: {
      ...SDA,
      'proc/1/mountinfo': lines(
        '27 1 0:24 /@/.snapshots/1/snapshot / ro,relatime - btrfs /dev/sda3 ro,subvol=/@/.snapshots/1/snapshot',
        '30 27 0:24 /@/var /var rw,relatime - btrfs /dev/sda3 ro,subvol=/@/var',
        '31 27 0:24 /@/home /home rw,relatime - btrfs /dev/sda3 ro,subvol=/@/home',
      ),
      'etc/fstab': lines(
        '/dev/sda3 / btrfs ro 0 0',
        '/dev/sda3 /var btrfs subvol=@/var 0 0',
        '/dev/sda3 /home btrfs subvol=@/home 0 0',
      ),
    },
    places: ['/'],
    alarms: ['/'],
  },
  {
    name: 'btrfs in /proc/mounts: a subvolume that is ro beside one that is rw',
    files: {
      ...SDA,
      'proc/mounts': lines(
        '/dev/sdb1 /volume1/.snap btrfs ro,relatime,subvol=/.snap 0 0',
        '/dev/sdb1 /volume1 btrfs rw,relatime,subvol=/ 0 0',
      ),
    },
    places: ['/volume1'],
  },
  {
    name: 'autofs and nfs: places that wait, an export in two places, a share that is meant to be ro',
    files: {
      ...SDA,
      'proc/1/mountinfo': lines(
        '27 1 8:1 / / rw,relatime shared:1 - xfs /dev/sda1 rw,attr2',
        '50 27 0:40 / /misc rw,relatime - autofs /etc/auto.misc rw,fd=7,pgrp=900,timeout=300,indirect',
        '51 27 0:41 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw,fd=29',
        '52 27 0:45 / /home rw - nfs4 filer:/export/home rw,vers=4.2,hard',
        '53 27 0:46 / /pub ro - nfs filer:/export/pub ro,vers=3,hard',
        '54 27 0:45 /x /home/x rw - nfs4 filer:/export/home rw,vers=4.2,hard',
      ),
      'etc/fstab': '/dev/sda1 / xfs defaults 0 0\nfiler:/export/pub /pub nfs ro 0 0\n',
    },
    places: ['/', '/home', '/pub'],
  },
  {
    name: 'nfs whose export has a disk’s name: that disk’s trouble is not the export’s',
    files: {
      ...SDA,
      'proc/mounts': lines('/dev/sda2 / ext3 rw 0 0', 'filer:/disks/sda1 /data nfs rw,vers=3 0 0'),
    },
    log: ['EXT3 FS on sda1, internal journal', 'Aborting journal on device sda1.'],
    places: ['/', '/data'],
  },
  {
    name: 'a NAS: its system on md0, volumes by the device mapper, one of them twice',
    files: {
      'proc/partitions': partitions('8:1 sda1', '9:0 md0', '9:2 md2', '253:1 dm-1'),
      'proc/1/mountinfo': lines(
        '15 1 9:0 / / rw,noatime - ext4 /dev/md0 rw,data=ordered',
        '30 15 253:1 / /volume1 rw,nodev - btrfs /dev/mapper/cachedev_0 rw,synoacl',
        '31 15 253:1 /@docker /volume1/@docker rw,nodev - btrfs /dev/mapper/cachedev_0 rw,synoacl',
        '32 15 0:35 / /volume1/web ro - ecryptfs /volume1/@web@ ro,ecryptfs_sig=1',
        '33 15 9:2 / /volumeUSB1 ro,nodev - vfat /dev/md2 ro',
      ),
    },
    places: ['/', '/volume1', '/volumeUSB1'],
  },
  {
    name: 'a NAS of 2.6 whose /proc/mounts has flash and two volumes, one of which has turned read-only',
    files: {
      'proc/partitions': partitions('8:3 sda3', '9:0 md0', '9:1 md1', '31:4 mtdblock4'),
      'proc/mounts': lines(
        'rootfs / rootfs rw 0 0',
        '/dev/root / cramfs ro 0 0',
        '/dev/mtdblock4 /etc/config jffs2 rw,noatime 0 0',
        '/dev/md0 /share/vol0 ext3 rw,usrquota 0 0',
        '/dev/md1 /share/vol1 ext3 ro,usrquota 0 0',
      ),
      'etc/fstab': '/dev/md0 /share/vol0 ext3 defaults 0 0\n/dev/md1 /share/vol1 ext3 defaults 0 0\n',
    },
    places: ['/', '/etc/config', '/share/vol0', '/share/vol1'],
    alarms: ['/share/vol1'],
  },
  {
    name: 'blanks, tabs and backslashes in names, in the table and in fstab',
    files: {
      ...SDA,
      'proc/mounts': lines(
        '/dev/sda1 / ext3 rw 0 0',
        '/dev/sda2 /srv/My\\040Files ext3 ro 0 0',
        '/dev/sda3 /srv/a\\011b\\134c ext3 ro 0 0',
      ),
      'etc/fstab':
        '/dev/sda2 /srv/My\\040Files ext3 defaults 0 2\n/dev/sda3 /srv/a\\011b\\134c ext3 ro 0 2\n',
    },
    places: ['/', '/srv/My\\040Files', '/srv/a\\011b\\134c'],
    alarms: ['/srv/My\\040Files'],
  },
  {
    name: '6.15: emergency_ro in one of two places of a file system, and fstab has its place with a slash at its end',
    files: {
      ...SDA,
      'proc/1/mountinfo': lines(
        '27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
        '30 27 8:2 /www /var/www rw - ext4 /dev/sda2 rw,emergency_ro,errors=remount-ro',
        '31 27 8:2 / /srv rw - ext4 /dev/sda2 rw,emergency_ro,errors=remount-ro',
      ),
      'etc/fstab': '/dev/sda1 / ext4 defaults 0 1\n/dev/sda2 /srv/ ext4 defaults 0 2\n',
    },
    places: ['/', '/srv'],
    alarms: ['/srv'],
  },
  {
    name: 'a rescue system: ro root from the network, a disk’s partition that somebody mounted ro to look',
    files: {
      ...SDA,
      'proc/1/mountinfo': lines(
        '20 1 0:18 / / rw - nfs 10.0.0.1:/rescue ro,vers=3',
        '21 20 8:1 / /mnt ro,relatime - ext4 /dev/sda1 ro',
        '22 20 11:0 / /media/disc ro - hfsplus /dev/sr0 ro',
      ),
      'etc/fstab': '10.0.0.1:/rescue / nfs ro 0 0\n',
    },
    places: ['/', '/mnt', '/media/disc'],
  },
];
