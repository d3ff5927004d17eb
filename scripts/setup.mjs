// Brings what the tests run for real, beside what npm installs. As root on Debian or Ubuntu it installs what is
// missing; elsewhere it names the command and ends with 3.
import { readFileSync } from 'node:fs';
import { installMissing } from './install-missing.ts';

const NEEDED = [
  ['make', 'make'],
  ['gcc', 'gcc'],
  ['objdump', 'binutils'],
  ['depmod', 'kmod'],
  ['xz', 'xz-utils'],
  ['bzip2', 'bzip2'],
  ['zstd', 'zstd'],
  ['tar', 'tar'],
  ['flock', 'util-linux'],
  ['bwrap', 'bubblewrap'],
  ['unshare', 'util-linux'],
  ['mount', 'mount'],
  ['dpkg-deb', 'dpkg'],
  ['rpm', 'rpm'],
  ['setfattr', 'attr'],
  ['strace', 'strace'],
  ['git', 'git'],
  ['ps', 'procps'],
  ['openssl', 'openssl'],
  ['flex', 'flex'],
  ['bison', 'bison'],
  ['bc', 'bc'],
  ['/usr/include/gelf.h', 'libelf-dev'],
  ['/usr/include/openssl/ssl.h', 'libssl-dev'],
  ['setpriv', 'util-linux'],
  ['chroot', 'coreutils'],
  ['perl', 'perl-base'],
  ['mkfs.ext4', 'e2fsprogs'],
  ['grub-script-check', 'grub-common'],
  ['grub-mkconfig', 'grub-common'],
  ['cpio', 'cpio'],
  ['lz4', 'lz4'],
  ['lzop', 'lzop'],
  ['mmdebstrap', 'mmdebstrap'],
  ['nsenter', 'util-linux'],
  ['mkfs.xfs', 'xfsprogs'],
  ['mkfs.btrfs', 'btrfs-progs'],
  ['mksquashfs', 'squashfs-tools'],
  ['mkfs.erofs', 'erofs-utils'],
  ['mkudffs', 'udftools'],
  ['genromfs', 'genromfs'],
  ['genisoimage', 'genisoimage'],
  ['dmsetup', 'dmsetup'],
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['msmtp', 'msmtp'],
  ['dash', 'dash'],
  ['busybox', 'busybox'],
  ['mksh', 'mksh'],
  ['rpmbuild', 'rpm'],
  ['createrepo_c', 'createrepo-c'],
  ['dnf', 'dnf'],
  ['curl', 'curl'],
  ['bsdtar', 'libarchive-tools'],
  ['patch', 'patch'],
  ['gpg', 'gpg'],
  ['gpg-agent', 'gpg-agent'],
  ['journalctl', 'systemd'],
  ['systemd-nspawn', 'systemd-container'],
  ['/lib/systemd/systemd-journal-remote', 'systemd-journal-remote'],
];
/** A compiler that this release's kernel was not built with, for the proof that notices. */
const OTHER_COMPILERS = { bullseye: 'gcc-9', bookworm: 'gcc-11', trixie: 'gcc-13' };
const codename = /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
const other = OTHER_COMPILERS[codename];
if (other !== undefined) NEEDED.push([other, other]);

if (!installMissing(NEEDED, 'the tests')) process.exit(3);
