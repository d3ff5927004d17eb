import { chmod, copyFile, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MODULES_FOLDER } from '../../src/machine/folders.ts';
import type { Target } from '../../src/machine/port.ts';
import type { Argv } from '../../src/machine/program.ts';
import { mustRun } from '../../src/machine/tools.ts';
import { packageRoot } from '../../src/package-root.ts';
import type { Demo } from '../part.ts';

/** The guest’s packages, beside those that Debian calls essential. */
const PACKAGES = [
  ...['initramfs-tools', 'zstd', 'kmod', 'mount', 'e2fsprogs', 'busybox'],
  ...['systemd-sysv', 'udev', 'dbus', 'libstdc++6', 'libatomic1'],
];
const DRIVER = 'kernel/drivers/message/fusion/mptscsih.ko';
/** What the root disk and the network need, so that the initramfs is small and quick to build. */
const MODULES = ['mptsas', 'sd_mod', 'ext4', 'virtio_net'];

/** Where the guest reaches its relay: QEMU forwards it to this machine's. */
export const RELAY = { host: '10.0.2.100', port: 2525 } as const;
const ADMINISTRATOR = 'admin@lab.example';

const FILES: Readonly<Record<string, string>> = {
  'etc/fstab': '/dev/sda / ext4 errors=remount-ro 0 1\n',
  'etc/hostname': 'lab-guest\n',
  'etc/hosts': '127.0.0.1 localhost lab-guest\n',
  'etc/initramfs-tools/conf.d/quick': 'MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=1\n',
  'etc/initramfs-tools/modules': `${MODULES.join('\n')}\n`,
  'etc/systemd/network/10-lab.network': '[Match]\nName=e*\n\n[Network]\nAddress=10.0.2.15/24\n',
  'etc/systemd/system/lab.service': [
    '[Unit]',
    'Description=what the lab examines on this guest',
    'After=multi-user.target systemd-networkd-wait-online.service',
    'Wants=systemd-networkd-wait-online.service',
    '[Service]',
    'ExecStart=/bin/sh /opt/lab/guest.sh',
    '',
  ].join('\n'),
  'etc/mptfix.json': JSON.stringify({
    watch: { to: [ADMINISTRATOR], smtp: { ...RELAY, security: 'none' }, timeLimitSeconds: 20 },
  }),
};
const WANTED: Readonly<Record<string, string>> = {
  'lab.service': '/etc/systemd/system/lab.service',
  'systemd-networkd.service': '/lib/systemd/system/systemd-networkd.service',
};

/**
 * A guest of this machine's Debian release, with systemd, Node and mptfix, and with the demo's affected driver instead of
 * the distro's: module, index and initramfs. Creates `folder`.
 */
export async function makeTree(
  machine: Target,
  folder: string,
  demo: Demo,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(folder);
  await bootstrap(machine, folder, signal);
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content, { mode: 0o644 });
  }
  const wants = join(folder, 'etc/systemd/system/multi-user.target.wants');
  await mkdir(wants, { recursive: true });
  for (const [name, unit] of Object.entries(WANTED)) await symlink(unit, join(wants, name));
  await addPrograms(folder);
  const { release } = demo.kernel;
  const driver = join(MODULES_FOLDER, release, DRIVER);
  await copyFile(join(demo.guest, driver), join(folder, driver));
  const options = { env: { INITRD: 'No', DEBIAN_FRONTEND: 'noninteractive' }, signal };
  await mustRun(machine, inChroot(folder, ['depmod', release]), options);
  await mustRun(machine, inChroot(folder, ['update-initramfs', '-c', '-k', release]), options);
}

/** The tree is our own: its programs may write anywhere in it. */
function inChroot(root: string, argv: Argv): Argv {
  const enter =
    'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount -t tmpfs tmpfs "$1/tmp" && exec chroot "$@"';
  return ['unshare', '--mount', '--pid', '--net', '--fork', 'sh', '-c', enter, 'sh', root, ...argv];
}

async function bootstrap(machine: Target, folder: string, signal: AbortSignal): Promise<void> {
  const text = await readFile('/etc/os-release', 'utf8');
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(text)?.[1] ?? 'stable';
  const { stdout } = await machine.run(['dpkg', '--print-architecture'], { effect: 'read' });
  const architecture = stdout.toString('utf8').trim();
  const argv = [
    ...['mmdebstrap', '--quiet', '--variant=essential'],
    `--include=${[`linux-image-${architecture}`, ...PACKAGES].join(',')}`,
    ...['--aptopt=APT::Install-Recommends "false"', '--dpkgopt=force-unsafe-io'],
    ...['man', 'doc', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    ...[codename, folder],
  ] as const;
  // The kernel package's own image, of all its modules, would take most of a minute.
  await mustRun(machine, ['mmdebstrap', ...argv.slice(1)], {
    env: { INITRD: 'No', DEBIAN_FRONTEND: 'noninteractive' },
    signal,
  });
}

async function addPrograms(folder: string): Promise<void> {
  const place = join(folder, 'opt/mptfix');
  await mkdir(place, { recursive: true });
  await copyFile(process.execPath, join(place, 'node'));
  await chmod(join(place, 'node'), 0o755);
  for (const part of ['bin', 'dist', 'patches', 'package.json'])
    await cp(join(packageRoot(), part), join(place, part), { recursive: true });
  await mkdir(join(folder, 'opt/lab'));
  await copyFile(join(import.meta.dirname, 'guest.sh'), join(folder, 'opt/lab/guest.sh'));
}
