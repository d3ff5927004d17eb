// Brings what the tests run for real, beside what npm installs. As root on Debian or Ubuntu it installs what is
// missing; elsewhere it names the command and ends with 3.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Program (or file, by its whole path) and the Debian package that brings it. */
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
  ['unshare', 'util-linux'],
  ['mount', 'mount'],
  ['dpkg-deb', 'dpkg'],
  ['setfattr', 'attr'],
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
  ['msmtp', 'msmtp'],
  ['dash', 'dash'],
  ['busybox', 'busybox'],
  ['mksh', 'mksh'],
  ['journalctl', 'systemd'],
  ['/lib/systemd/systemd-journal-remote', 'systemd-journal-remote'],
];
/** A compiler that this release's kernel was not built with, for the proof that notices. */
const OTHER_COMPILERS = { bullseye: 'gcc-9', bookworm: 'gcc-11', trixie: 'gcc-13' };
const codename = /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
const other = OTHER_COMPILERS[codename];
if (other !== undefined) NEEDED.push([other, other]);

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

const missing = NEEDED.filter(([name]) =>
  name.startsWith('/') ? !existsSync(name) : !FOLDERS.some((folder) => existsSync(`${folder}/${name}`)),
);
const packages = [...new Set(missing.map(([, name]) => name))];
if (packages.length > 0) {
  const command = ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages];
  if (process.geteuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.error(`the tests need: ${packages.join(' ')}\nas root: ${command.join(' ')}`);
    process.exit(3);
  }
  console.error(`installing for the tests: ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['-q', 'update'], { stdio: ['ignore', 2, 2], env });
  const { status } = spawnSync(command[0], command.slice(1), { stdio: ['ignore', 2, 2], env });
  if (status !== 0) process.exit(3);
}
