import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchKernel, benchBundle, benchKernel } from './kernel.ts';
import { type Contender, race } from './measure.ts';
import { bring, notHere } from './programs.ts';
import { table } from './table.ts';
import { copyGuest, restoreGuest } from './trees.ts';

const BUNDLE = 'sh BUNDLE apply';
const BY_HAND = 'by hand';
const DRIVER = 'kernel/drivers/message/fusion/mptscsih.ko';

/**
 * The bundle's `apply`, on a guest whose initramfs holds the driver and on one without an initramfs, beside what an admin
 * would type: install the file, depmod, update-initramfs. The bundle keeps and proves what that does not.
 */
export async function benchApply(): Promise<string> {
  const kernel = await benchKernel();
  const bundle = benchBundle(kernel);
  const module = join(kernel.folder, 'bundle/mptscsih.ko');
  const bare = await withoutImage(kernel, bundle, module);
  if (!bring('mmdebstrap')) return [...bare, notHere('mmdebstrap')].join('\n\n');
  return [...(await withImage(kernel, bundle, module)), ...bare].join('\n\n');
}

/** A guest of the release's own packages, with the image as Debian makes it: all drivers of disks in it. */
async function withImage(kernel: BenchKernel, bundle: string, module: string): Promise<readonly string[]> {
  const { release, folder } = kernel;
  const tree = join(folder, 'debian');
  const kept = join(folder, 'debian-kept');
  bootstrap(tree, kernel);
  const image = `boot/initrd.img-${release}`;
  const modules = `lib/modules/${release}`;
  mkdirSync(kept);
  execFileSync('cp', ['-a', join(tree, image), join(kept, 'image')]);
  execFileSync('cp', ['-a', join(tree, modules, DRIVER), join(kept, 'driver')]);
  const before = (): void => {
    execFileSync('cp', ['-a', '--remove-destination', join(kept, 'driver'), join(tree, modules, DRIVER)]);
    execFileSync('cp', ['-a', '--remove-destination', join(kept, 'image'), join(tree, image)]);
    rmSync(join(tree, 'var/lib/mptfix'), { recursive: true, force: true });
    enter(tree, 'chroot', tree, 'depmod', release);
  };
  const byHand = `install -m 644 "$1" "$0/${modules}/${DRIVER}"
chroot "$0" depmod ${release}
chroot "$0" update-initramfs -u -k ${release}`;
  const rows = await race(
    contenders(
      before,
      entered(tree, 'sh', '-ec', byHand, tree, module),
      entered(tree, 'sh', bundle, 'apply', '--yes', '--json', '--root', tree),
      3,
    ),
    3,
  );
  const size = readFileSync(join(kept, 'image')).length / 1024 ** 2;
  return [
    `A guest with an initramfs of ${size.toFixed(0)} MiB, as Debian makes it: the guest’s own initramfs-tools build it again. ` +
      'By hand is `install`, `depmod`, `update-initramfs`, and proves nothing:',
    table(rows, BY_HAND),
  ];
}

/** Only mptfix's own work: to keep, to write, to sync, to look whether the index is still right. */
async function withoutImage(kernel: BenchKernel, bundle: string, module: string): Promise<readonly string[]> {
  const { release } = kernel;
  const tree = join(kernel.folder, 'no-image');
  copyGuest(kernel.guest, tree);
  const byHand = `install -m 644 "$1" "$0/lib/modules/${release}/${DRIVER}"
depmod -b "$0" ${release}`;
  const rows = await race(
    contenders(
      () => restoreGuest(kernel.guest, tree, [release]),
      ['sh', '-ec', byHand, tree, module],
      ['sh', bundle, 'apply', '--yes', '--json', '--root', tree],
    ),
    5,
  );
  return [
    'A guest without an initramfs; by hand is `install` and `depmod`. The bundle sees that the index of the modules is still ' +
      'right, and runs no depmod:',
    table(rows, BY_HAND),
  ];
}

function contenders(
  before: () => void,
  byHand: readonly string[],
  bundle: readonly string[],
  rounds?: number,
): readonly Contender[] {
  const own = rounds === undefined ? {} : { rounds };
  return [
    { name: BY_HAND, argv: byHand, before, ...own },
    { name: BUNDLE, argv: bundle, before, ...own },
  ];
}

/** Debian's essential packages with its kernel and initramfs-tools, then the affected module, and an image that holds it. */
function bootstrap(tree: string, { release, guest }: BenchKernel): void {
  const architecture = execFileSync('dpkg', ['--print-architecture']).toString().trim();
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
  const options = [
    '--quiet',
    '--variant=essential',
    '--aptopt=APT::Install-Recommends "false"',
    '--dpkgopt=force-unsafe-io',
    `--include=linux-image-${architecture},initramfs-tools,zstd,busybox,mount`,
  ];
  // The kernel package would make an image of the distro's own module.
  const env = { ...process.env, INITRD: 'No', DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('mmdebstrap', [...options, codename, tree], { stdio: ['ignore', 2, 2], env });
  const modules = join('lib/modules', release);
  if (!existsSync(join(tree, modules)))
    throw new Error(`the tree has another kernel: ${readdirSync(join(tree, 'lib/modules'))}`);
  execFileSync('cp', ['--remove-destination', join(guest, modules, DRIVER), join(tree, modules, DRIVER)]);
  enter(tree, 'chroot', tree, 'depmod', release);
  enter(tree, 'chroot', tree, 'update-initramfs', '-c', '-k', release);
}

/** With /proc and /dev in the tree, as an admin mounts them before work in it; they are gone with the command. */
function entered(tree: string, ...argv: readonly string[]): readonly [string, ...string[]] {
  return ['unshare', '--mount', 'sh', '-ec', ENTER, tree, ...argv];
}

const ENTER = 'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; exec "$@"';

function enter(tree: string, ...argv: readonly string[]): void {
  const [file, ...words] = entered(tree, ...argv);
  execFileSync(file, words, { stdio: ['ignore', 2, 2] });
}
