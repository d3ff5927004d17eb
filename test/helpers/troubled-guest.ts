import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildableGuest, HEADERS, MODULE, RELEASE } from './buildable-guest.ts';
import { mptfix } from './cli.ts';

const UUID = '5d2f3c1e-6a4b-4c8d-9e0f-112233445566';
const MODULES = `lib/modules/${RELEASE}`;

/** All that a command may look at, of a guest with every trouble: so that not to have read something shows. */
const FILES: Readonly<Record<string, string>> = {
  'etc/fstab': `UUID=${UUID} / ext4 errors=continue 0 1\n/dev/sdb1 /srv ext3 defaults 0 2\n`,
  'etc/debian_version': '12.1\n',
  'etc/initramfs-tools/initramfs.conf': 'MODULES=dep\nCOMPRESS=gzip\n',
  'etc/initramfs-tools/modules': '',
  'etc/modprobe.d/local.conf': 'options mptscsih mpt_pq_filter=0\n',
  'etc/depmod.d/ubuntu.conf': 'search updates built-in\n',
  'etc/default/grub': 'GRUB_DEFAULT=0\n',
  'etc/kernel/cmdline': `root=UUID=${UUID} ro\n`,
  'etc/apt/sources.list': 'deb http://127.0.0.1:9 stable main\n',
  'etc/crontab': '',
  'boot/grub/grub.cfg': `menuentry 'Debian' {\n\tlinux /boot/vmlinuz-${RELEASE} root=UUID=${UUID} ro\n\tinitrd /boot/initrd.img-${RELEASE}\n}\n`,
  'boot/grub/grubenv': '# GRUB Environment Block\n'.padEnd(1024, '#'),
  [`boot/config-${RELEASE}`]: 'CONFIG_FUSION=y\nCONFIG_FUSION_SPI=m\n',
  [`boot/System.map-${RELEASE}`]: '',
  'usr/sbin/mkinitramfs': '#!/bin/sh\n',
  'var/lib/dpkg/info/format': '1\n',
  [`var/lib/dpkg/info/linux-image-${RELEASE}.list`]: `/.\n/${MODULE}\n`,
  [`var/lib/dpkg/info/linux-image-${RELEASE}.md5sums`]: `${'0'.repeat(32)}  ${MODULE}\n`,
  'proc/self/mountinfo':
    '27 1 8:1 / / rw,relatime - ext4 /dev/sda1 ro,errors=remount-ro\n28 27 8:17 / /srv rw,relatime - ext3 /dev/sdb1 rw,errors=continue\n',
  'proc/mounts': '/dev/sda1 / ext4 ro 0 0\n/dev/sdb1 /srv ext3 rw 0 0\n',
  'proc/partitions':
    'major minor  #blocks  name\n\n   8 0 1048576 sda\n   8 1 1048576 sda1\n   8 16 1048576 sdb\n   8 17 1048576 sdb1\n',
  'proc/stat': 'cpu 1 2 3\nbtime 1700000000\n',
  'proc/uptime': '5000.00 4000.00\n',
  'proc/modules': 'mptscsih 40960 1 mptspi, Live 0x0\nmptspi 20480 1 - Live 0x0\n',
  'proc/scsi/scsi': '',
  'proc/sys/kernel/osrelease': `${RELEASE}\n`,
  'proc/sys/kernel/hostname': 'guest\n',
  'proc/cmdline': `root=UUID=${UUID} ro\n`,
  'sys/fs/ext4/sda1/errors_count': '2\n',
  'sys/fs/ext4/sda1/last_error_time': '1700001000\n',
  'sys/fs/ext4/sda1/last_error_func': 'ext4_journal_check_start\n',
  'sys/fs/ext4/sdb1/errors_count': '1\n',
  'sys/fs/ext4/sdb1/last_error_time': '1700001000\n',
  'sys/fs/ext4/sdb1/last_error_func': 'ext4_journal_check_start\n',
  'proc/fs/ext4/sda1/options': 'ro\nerrors=remount-ro\n',
  'proc/fs/ext4/sdb1/options': 'rw\nerrors=continue\n',
  'sys/block/sda/device/timeout': '30\n',
  'sys/block/sda/device/vendor': 'VMware  \n',
  'sys/block/sda/device/model': 'Virtual disk    \n',
  'sys/block/sda/dev': '8:0\n',
  'sys/block/sdb/device/timeout': '30\n',
  'sys/block/sdb/device/vendor': 'VMware  \n',
  'sys/block/sdb/device/model': 'Virtual disk    \n',
  'sys/class/scsi_host/host0/proc_name': 'mptspi\n',
  'sys/module/mptscsih/version': '3.04.20\n',
  'sys/module/mptscsih/srcversion': 'ABC\n',
  'sys/module/mptscsih/refcnt': '1\n',
  'dev/kmsg':
    '3,1,1000000,-;mptscsih: ioc0: attempting task abort! (sc=00000000)\n3,2,1001000,-;EXT4-fs error (device sda1): ext4_journal_check_start:83: comm dd: Detected aborted journal\n2,3,1002000,-;EXT4-fs (sda1): Remounting filesystem read-only\n',
};
const LOG = [
  'Nov 14 22:13:20 guest kernel: [ 1000.000000] sd 0:0:0:0: [sda] Result: hostbyte=DID_BUS_BUSY driverbyte=DRIVER_OK',
  'Nov 14 22:13:20 guest kernel: [ 1000.000100] I/O error, dev sda, sector 266352 op 0x1:(WRITE) flags 0x800',
  'Nov 14 22:13:20 guest kernel: [ 1000.000200] Aborting journal on device sda1-8.',
  'Nov 14 22:13:20 guest kernel: [ 1000.000300] EXT4-fs error (device sda1): ext4_journal_check_start:83: comm dd: Detected aborted journal',
  'Nov 14 22:13:20 guest kernel: [ 1000.000400] EXT4-fs (sda1): Remounting filesystem read-only',
  '',
].join('\n');

/**
 * A guest's tree of which every command has something to tell: affected again after mptfix was applied, with an image
 * that holds the driver, read-only file systems and a log of why. Everybody may read all of it.
 */
export async function troubledGuest(root: string, source: string): Promise<void> {
  buildableGuest(root, source);
  const put = (path: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const affected = join(dirname(root), 'affected.ko');
  copyFileSync(join(root, MODULE), affected);
  const words = ['--root', root, '--source', source, '--offline', '--no-cache', '--work', dirname(root)];
  const { status, stderr } = await mptfix(['apply', ...words, '--yes']);
  if (status !== 0) throw new Error(`the guest could not be patched: ${stderr}`);
  copyFileSync(affected, join(root, MODULE));
  for (const [path, text] of Object.entries(FILES)) put(path, text);
  for (const name of ['kern.log', 'syslog', 'messages', 'dmesg', 'boot.log']) put(`var/log/${name}`, LOG);
  put('var/log/kern.log.1', LOG);
  put('usr/src/empty', readFileSync(join(root, HEADERS, '.config')));
  const packed = 'cd "$1" && find "$2" | cpio -oHnewc --quiet | gzip -n > "boot/initrd.img-$3"';
  execFileSync('sh', ['-ec', packed, 'sh', root, MODULES, RELEASE]);
  execFileSync('chmod', ['-R', 'a+rX', root]);
}
