import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { localTarget } from '../../src/machine/tree.ts';

/** Left out of every package, as `path-exclude` of dpkg's configuration has it. */
const EXCLUDED = ['man', 'doc', 'locale', 'info', 'bash-completion', 'zoneinfo'];

/** Packages of the variants, as apt-get install takes them. */
const VARIANTS = {
  dracut: ['dracut', 'initramfs-tools-'],
  systemd: ['systemd-sysv', 'libstdc++6', 'libatomic1'],
  compiler: ['gcc', 'make', 'libelf1'],
} as const;

/** The variants' packages are fetched in the same go, and wait in folders of their own. */
export function bootstrap(root: string, packages: string): void {
  const archives = '"$1"/var/cache/apt/archives';
  const fetched = Object.entries(VARIANTS).map(([name, wanted]) =>
    [
      `rm -f ${archives}/*.deb`,
      `APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --download-only install ${wanted.join(' ')}`,
      `mkdir -p ${packages}/${name}`,
      `mv ${archives}/*.deb ${packages}/${name}/`,
    ].join(' && '),
  );
  const architecture = execFileSync('dpkg', ['--print-architecture']).toString().trim();
  makeTree(root, [
    `--include=linux-image-${architecture},initramfs-tools,zstd,busybox,mount`,
    // dpkg -V shall have nothing to say about the kernel's.
    '--dpkgopt=path-include=/usr/share/doc/linux-image-*',
    ...fetched.map((hook) => `--customize-hook=${hook}`),
  ]);
}

/** What of a kernel's modules a guest with a disk of this driver does not need: two thirds of a package. */
const NOT_FOR_DISKS = ['sound', 'net', 'drivers/net', 'drivers/gpu', 'drivers/media', 'drivers/staging'];

/**
 * A guest of another architecture whose programs this machine's kernel runs, from the release's main archive alone, and with
 * no kernel yet: that of a package is installed with few modules.
 */
export function bootstrapForeign(root: string, architecture: string): void {
  const list = ['indextargets', '--format', '$(REPO_URI)', `Codename: ${codename()}`, 'Created-By: Packages'];
  const [archive = ''] = execFileSync('apt-get', list).toString().split('\n');
  makeTree(
    root,
    [
      `--architectures=${architecture}`,
      // It would ask for a program that looks whether this machine runs the others'.
      '--skip=check/qemu',
      '--include=linux-base,kmod,initramfs-tools,zstd,busybox,mount',
      ...NOT_FOR_DISKS.map((name) => `--dpkgopt=path-exclude=/lib/modules/*/kernel/${name}/*`),
    ],
    archive === '' ? [] : [archive],
  );
}

function codename(): string {
  return /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
}

/** A tree of this machine's release, with the essential packages and what the options add. */
function makeTree(root: string, options: readonly string[], archives: readonly string[] = []): void {
  const all = [
    '--variant=essential',
    '--aptopt=APT::Install-Recommends "false"',
    '--dpkgopt=force-unsafe-io',
    ...EXCLUDED.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    ...options,
    '--customize-hook=rm "$1"/etc/resolv.conf "$1"/etc/hostname',
  ];
  // The kernel package's own image, of all its modules, would take most of a minute.
  const env = { ...process.env, INITRD: 'No', DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('mmdebstrap', ['--quiet', ...all, codename(), root, ...archives], {
    env,
    stdio: ['ignore', 2, 2],
  });
}

/** Installs a folder's packages in a tree. */
export async function install(root: string, packages: string): Promise<void> {
  execFileSync('cp', ['-r', packages, join(root, 'packages')]);
  const debs = readdirSync(packages).filter((name) => name.endsWith('.deb'));
  // dpkg starts no service and no trigger that makes an image in there.
  replace(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', 0o755);
  // Neither knows an order of packages.
  await inside(root, 'dpkg', '--unpack', '--force-depends', ...debs.map((name) => `/packages/${name}`));
  await inside(root, 'dpkg', '--configure', '--pending');
  rmSync(join(root, 'packages'), { recursive: true });
  rmSync(join(root, 'usr/sbin/policy-rc.d'));
}

export function replace(path: string, content: string, mode = 0o644): void {
  rmSync(path, { force: true });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode });
}

/** The argument vector that runs a program of a tree that we have made ourselves, which may write anywhere in it. */
export function inChroot(root: string, argv: readonly [string, ...string[]]): [string, ...string[]] {
  const enter =
    'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount -t tmpfs tmpfs "$1/tmp" && exec chroot "$@"';
  return ['unshare', '--mount', '--pid', '--net', '--fork', 'sh', '-c', enter, 'sh', root, ...argv];
}

/** Runs a guest's own program in its tree, as its own package manager or an admin would. */
export async function inside(root: string, ...argv: readonly [string, ...string[]]): Promise<void> {
  const env = { INITRD: 'No', DEBIAN_FRONTEND: 'noninteractive' };
  const machine = localTarget({ dryRun: false });
  const { status, stdout, stderr } = await machine.run(inChroot(root, argv), { effect: 'write', env });
  if (status !== 0) throw new Error(`${argv.join(' ')} failed (${status}):\n${stdout}\n${stderr}`);
}
