import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { affectedTarball } from './affected-tarball.ts';
import { scratch } from './scratch.ts';

/** What is built, and from what: a guest's tree of the distro's real packages, with an affected module. */
export interface BenchKernel {
  readonly folder: string;
  readonly release: string;
  /** The package's version, such as `6.1.192-2`. */
  readonly version: string;
  readonly guest: string;
  /** The distro's tarball with the branch in the one file. */
  readonly tarball: string;
  /** The driver's folder of that tarball, unpacked. */
  readonly driver: string;
  /** The headers packages, unpacked, and in one piece: what an admin's /usr/src has. */
  readonly headers: string;
}

let made: Promise<BenchKernel> | undefined;

/** Fetches and lays out all of it, in about a minute, once for all parts of a run; it is gone with the run. Needs root, as the demo does. */
export function benchKernel(): Promise<BenchKernel> {
  made ??= make();
  return made;
}

async function make(): Promise<BenchKernel> {
  const folder = scratch();
  execFileSync('chmod', ['755', folder]);
  const argv = ['bin/mptfix.cjs', 'demo', '--keep', '--json', '--work', folder];
  const { stdout, status } = spawnSync(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 2],
    maxBuffer: 1e8,
  });
  if (status !== 0) throw new Error(`the demo ended with status ${status}`);
  const demo = JSON.parse(stdout.toString());
  const { release, packageVersion } = demo.kernel;
  const series = packageVersion.split('.').slice(0, 2).join('.');
  // As /usr/src is on a guest: everybody may read it.
  execFileSync('chmod', ['755', join(demo.guest, '..')]);
  const tarball = join(folder, `linux-source-${series}.tar.xz`);
  await affectedTarball(join(demo.guest, '../packages/usr/src', `linux-source-${series}.tar.xz`), tarball);
  const driver = join(demo.source, 'drivers/message/fusion');
  // As a mounted image is: root's, in folders of root's. The demo's lies in those of its compiling user.
  const guest = join(folder, 'guest');
  renameSync(demo.guest, guest);
  const headers = layOutHeaders(join(folder, 'packages'), guest, release);
  return { folder, release, version: packageVersion, guest, tarball, driver, headers };
}

/** The forwarding Makefile names /usr/src: in this copy, the copy. */
function layOutHeaders(root: string, guest: string, release: string): string {
  mkdirSync(join(root, 'usr'), { recursive: true });
  for (const name of ['usr/src', 'usr/lib']) execFileSync('cp', ['-al', join(guest, name), join(root, name)]);
  const headers = join(root, 'usr/src', `linux-headers-${release}`);
  const makefile = readFileSync(join(headers, 'Makefile'), 'utf8');
  rmSync(join(headers, 'Makefile'));
  writeFileSync(join(headers, 'Makefile'), makefile.replaceAll('/usr/src/', `${join(root, 'usr/src')}/`));
  return headers;
}

/** A fresh copy of the driver's folder that builds nothing but the one module. */
export function oneModule(driver: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  execFileSync('cp', ['-r', driver, folder]);
  writeFileSync(join(folder, 'Kbuild'), 'include $(src)/Makefile\nobj-y :=\nobj-m := mptscsih.o\n');
}

/** The words that run mptfix with a build cache of the bench's own, empty at first. */
export function mptfix({ folder }: BenchKernel, ...words: readonly string[]): readonly string[] {
  const cache = join(folder, 'cache');
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  return ['env', `XDG_CACHE_HOME=${cache}`, process.execPath, 'bin/mptfix.cjs', ...words];
}

let bundle: string | undefined;

/** The bundle of that guest's module, from one real build for all parts of a run; it fills the build cache. */
export function benchBundle(kernel: BenchKernel): string {
  if (bundle !== undefined) return bundle;
  const output = join(kernel.folder, 'bundle');
  const words = ['build', '--root', kernel.guest, '--source', kernel.tarball, '--output', output];
  const [file = '', ...argv] = mptfix(kernel, ...words);
  execFileSync(file, argv, { stdio: ['ignore', 'ignore', 2] });
  const name = readdirSync(output).find((one) => one.endsWith('.run'));
  if (name === undefined) throw new Error(`${output} has no bundle`);
  bundle = join(output, name);
  return bundle;
}
