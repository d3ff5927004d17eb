import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bootstrap, inside, install, replace } from './debian-packages.ts';

/**
 * Real guests of this machine's Debian release: bootstrapped, with the distro's own kernel package installed by dpkg.
 * Tests work on a `snapshot` of one; the trees themselves are read only by agreement.
 */
export interface DebianTrees {
  readonly release: string;
  /** The kernel package, such as `linux-image-6.1.0-56-amd64`. */
  readonly package: string;
  /** All modules, no image yet, initramfs-tools: its image takes long. */
  readonly full: string;
  /** Few modules, an image by initramfs-tools, quickly rebuilt. `dpkg -V` of the kernel package is clean. */
  readonly initramfsTools: string;
  /** The same with dracut. */
  readonly dracut: string;
  /** The same with systemd, which runs `/test/script` when it has booted; for `systemd-nspawn`. */
  readonly systemd: string;
  /** How long each step of the making took. */
  readonly seconds: Readonly<Record<string, number>>;
}

declare module 'vitest' {
  interface ProvidedContext {
    debian: DebianTrees;
  }
}

/** The driver, what a root file system on its disks needs, and a module of another kind, with what they depend on. */
const KEPT = [
  'mptspi',
  'mptsas',
  'mptfc',
  'mptctl',
  'sd_mod',
  'sr_mod',
  'ext4',
  'vfat',
  'loop',
  'virtio_blk',
];

/** Makes the trees once for all tests of a project, and removes them after the last. */
export async function setup(project: TestProject): Promise<() => void> {
  const work = mkdtempSync(join(quickestFolder(), 'mptfix-debian-'));
  const dispose = () => rmSync(work, { recursive: true, force: true });
  try {
    project.provide('debian', await makeTrees(work));
  } catch (error) {
    dispose();
    throw error;
  }
  return dispose;
}

/** A copy that shares its files with the tree, made in a moment: files in it must be replaced, never written to. */
export function snapshot(tree: string): { root: string; dispose: () => void } {
  const root = mkdtempSync(join(dirname(tree), 'snapshot-'));
  execFileSync('cp', ['-al', `${tree}/.`, root]);
  return { root, dispose: () => rmSync(root, { recursive: true, force: true }) };
}

/** Memory, where there is enough of it that keeps attributes and runs programs; else the disk. */
export function quickestFolder(): string {
  const memory = '/dev/shm';
  if (!existsSync(memory) || statfsSync(memory).bavail * statfsSync(memory).bsize < 3 * 2 ** 30)
    return '/var/tmp';
  const probe = mkdtempSync(join(memory, 'mptfix-probe-'));
  try {
    execFileSync(
      'sh',
      ['-c', 'cp /bin/true "$1/x" && setfattr -n user.x -v x "$1/x" && "$1/x"', 'sh', probe],
      {
        stdio: 'ignore',
      },
    );
    return memory;
  } catch {
    return '/var/tmp';
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

export async function makeTrees(work: string): Promise<DebianTrees> {
  const seconds: Record<string, number> = {};
  const timed = async <Result>(name: string, act: () => Result | Promise<Result>): Promise<Result> => {
    const started = performance.now();
    const result = await act();
    seconds[name] = Math.round((performance.now() - started) / 100) / 10;
    return result;
  };
  chmodSync(work, 0o755);
  const full = join(work, 'full');
  const packages = join(work, 'packages');
  await timed('bootstrap', () => bootstrap(full, packages));
  const [release = ''] = readdirSync(join(full, 'usr/lib/modules'));
  const initramfsTools = join(work, 'initramfs-tools');
  await timed('cut down', () => cutDown(full, initramfsTools, release));
  await timed('depmod', () => inside(initramfsTools, 'depmod', release));
  const dracut = join(work, 'dracut');
  await timed('dracut installed', () => withDracut(initramfsTools, dracut, packages));
  const image = `/boot/initrd.img-${release}`;
  const systemd = join(work, 'systemd');
  await timed('systemd installed', () => withSystemd(initramfsTools, systemd, packages));
  await timed('mkinitramfs', () => inside(initramfsTools, 'mkinitramfs', '-o', image, release));
  await timed('dracut', () => inside(dracut, 'dracut', '--force', image, release));
  return { release, package: `linux-image-${release}`, full, initramfsTools, dracut, systemd, seconds };
}

/** A copy with few modules, of hard links, and settings by which its image is made quickly. */
function cutDown(full: string, root: string, release: string): void {
  const modules = join('usr/lib/modules', release);
  execFileSync('cp', ['-al', full, root]);
  own(root);
  rmSync(join(root, modules, 'kernel'), { recursive: true });
  const kept = withDependencies(readFileSync(join(full, modules, 'modules.dep'), 'utf8'));
  for (const path of kept) {
    mkdirSync(dirname(join(root, modules, path)), { recursive: true });
    execFileSync('cp', ['-al', join(full, modules, path), join(root, modules, path)]);
  }
  forget(root, release, kept);
  makeImagesQuickly(root);
}

/** Settings of initramfs-tools by which an image has few modules. */
export function makeImagesQuickly(root: string): void {
  replace(join(root, 'etc/initramfs-tools/conf.d/quick'), 'MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=1\n');
  replace(join(root, 'etc/initramfs-tools/modules'), `${KEPT.join('\n')}\n`);
}

/** What programs write to in place is the copy's own. */
function own(root: string): void {
  for (const folder of ['var', 'etc']) {
    const copy = join(root, `${folder}.copy`);
    execFileSync('cp', ['-a', join(root, folder), copy]);
    rmSync(join(root, folder), { recursive: true });
    execFileSync('mv', [copy, join(root, folder)]);
  }
}

/** Paths below the module folder of the kept modules, and of all that they need. */
function withDependencies(modulesDep: string): ReadonlySet<string> {
  const needed = new Map(
    modulesDep
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).split(' ')]),
  );
  const paths = [...needed.keys()].filter((path) => KEPT.some((name) => path.endsWith(`/${name}.ko`)));
  return new Set(paths.flatMap((path) => [path, ...(needed.get(path) ?? [])]).filter((path) => path !== ''));
}

/** Takes the modules that are gone out of dpkg's lists, so that it finds the package as it says. */
function forget(root: string, release: string, kept: ReadonlySet<string>): void {
  for (const kind of ['list', 'md5sums']) {
    const list = join(root, `var/lib/dpkg/info/linux-image-${release}.${kind}`);
    const lines = readFileSync(list, 'utf8')
      .split('\n')
      .filter((line) => {
        const path = /lib\/modules\/[^/]+\/(kernel\/.*)$/.exec(line)?.[1];
        return (
          path === undefined ||
          kept.has(path) ||
          (kind === 'list' && [...kept].some((one) => one.startsWith(`${path}/`)))
        );
      });
    replace(list, lines.join('\n'));
  }
}

async function withDracut(from: string, root: string, packages: string): Promise<void> {
  execFileSync('cp', ['-al', from, root]);
  own(root);
  replace(
    join(root, 'etc/dracut.conf.d/quick.conf'),
    `hostonly=no\ncompress="zstd -1"\nadd_drivers+=" ${KEPT.join(' ')} "\n`,
  );
  await inside(root, 'dpkg', '--purge', '--force-depends', 'initramfs-tools', 'initramfs-tools-core');
  await install(root, join(packages, 'dracut'));
}

const TEST_UNIT = `[Unit]
ConditionPathExists=/test/script
After=multi-user.target
[Service]
ExecStart=/bin/sh /test/script
`;

async function withSystemd(from: string, root: string, packages: string): Promise<void> {
  execFileSync('cp', ['-al', from, root]);
  own(root);
  await install(root, join(packages, 'systemd'));
  replace(join(root, 'etc/systemd/system/test.service'), TEST_UNIT);
  const wants = join(root, 'etc/systemd/system/multi-user.target.wants');
  mkdirSync(wants, { recursive: true });
  symlinkSync('../test.service', join(wants, 'test.service'));
}
