import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { affectedTarball } from './affected-tarball.ts';

/** What is built, and from what: a guest's tree of the distro's real packages, with an affected module. */
export interface BenchKernel {
  readonly folder: string;
  readonly release: string;
  readonly guest: string;
  /** The distro's tarball with the branch in the one file. */
  readonly tarball: string;
  /** The driver's folder of that tarball, unpacked. */
  readonly driver: string;
  /** The headers packages, unpacked, and in one piece: what an admin's /usr/src has. */
  readonly headers: string;
  readonly dispose: () => void;
}

/** Fetches and lays out all of it, in about a minute. Needs root, as the demo does. */
export async function benchKernel(): Promise<BenchKernel> {
  const folder = mkdtempSync('/var/tmp/mptfix-bench-');
  const dispose = (): void => rmSync(folder, { recursive: true, force: true });
  try {
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
    const headers = layOutHeaders(join(folder, 'packages'), demo.guest, release);
    return { folder, release, guest: demo.guest, tarball, driver, headers, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
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
