import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { ARCHITECTURES } from '../../src/architectures.ts';
import { openToolchain } from '../../src/build/toolchain/toolchain.ts';
import { affectedSource, plantAffectedModule } from '../../src/demo/guest-tree.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { openWorkspace } from '../../src/work/workspace.ts';
import { inside, replace } from './debian-packages.ts';
import { quickestFolder } from './debian-tree.ts';

/** A guest of another Debian release than this machine's, whose own gcc has built its driver with the branch. */
export interface OtherGuest {
  readonly root: string;
  readonly release: string;
  readonly modulePath: string;
  /** The source that the module was built from. */
  readonly source: string;
  /** The distro's own, where the branch is gone, and its own module. */
  readonly distroSource: string;
  readonly distroModule: string;
  readonly seconds: number;
  readonly megabytes: number;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder for guests of other releases: the first test that needs one makes it there. */
    otherGuests: string;
  }
}

/** Removes the guests that the tests have made, after the last. */
export function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(quickestFolder(), 'mptfix-toolchain-'));
  chmodSync(folder, 0o755);
  project.provide('otherGuests', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}

const PACKAGES = [
  'linux-image-amd64',
  'linux-headers-amd64',
  'gcc',
  'make',
  'initramfs-tools',
  'zstd',
  'kmod',
];
const EXCLUDED = ['man', 'doc', 'locale', 'info', 'bash-completion', 'zoneinfo'];

/**
 * The guest of a release; all tests share it, so whoever changes a file puts it back. The first call fetches the packages and
 * the kernel's source, and plants the affected module, which takes some two minutes.
 */
export async function otherGuest(codename: string): Promise<OtherGuest> {
  const work = join(inject('otherGuests'), codename);
  const made = join(work, 'made.json');
  if (existsSync(made)) return JSON.parse(readFileSync(made, 'utf8'));
  const started = performance.now();
  mkdirSync(work, { mode: 0o755 });
  try {
    const root = join(work, 'guest');
    bootstrap(codename, root, work);
    const planted = await plant(root, work);
    const seconds = Math.round((performance.now() - started) / 1000);
    const megabytes = Number(execFileSync('du', ['-sm', root]).toString().split('\t')[0]);
    const guest: OtherGuest = { root, ...planted, seconds, megabytes };
    writeFileSync(made, JSON.stringify(guest));
    return guest;
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
}

/** For a guest that no other test uses: two of them take much memory. */
export function forgetGuest(codename: string): void {
  rmSync(join(inject('otherGuests'), codename), { recursive: true, force: true });
}

function bootstrap(codename: string, root: string, work: string): void {
  const source = [
    'cd "$2"',
    'name=$(APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-cache depends linux-source | sed -n "s/.*Depends: //p" | head -1)',
    'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --quiet download "$name"',
  ].join(' && ');
  const options = [
    '--variant=apt',
    `--include=${PACKAGES.join(',')}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--dpkgopt=force-unsafe-io',
    ...EXCLUDED.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    `--customize-hook=sh -c '${source}' sh "$1" ${work}`,
    '--customize-hook=rm -f "$1"/etc/resolv.conf "$1"/etc/hostname',
  ];
  // The image of all its modules would take most of a minute.
  const env = { ...process.env, INITRD: 'No', DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('mmdebstrap', ['--quiet', ...options, codename, root], { env, stdio: ['ignore', 2, 2] });
}

/** `work` has the package of the source. */
async function plant(
  root: string,
  work: string,
): Promise<Omit<OtherGuest, 'root' | 'seconds' | 'megabytes'>> {
  const [release = ''] = readdirSync(join(root, 'lib/modules'));
  const deb = readdirSync(work).find((name) => name.startsWith('linux-source-')) ?? '';
  execFileSync('dpkg-deb', ['--extract', join(work, deb), join(work, 'source-package')]);
  rmSync(join(work, deb));
  const sources = join(work, 'source-package/usr/src');
  const tarball = readdirSync(sources).find((name) => name.endsWith('.tar.xz')) ?? '';
  const workspace = await openWorkspace(work);
  try {
    const { signal } = new AbortController();
    const { folder, files, fixed } = await affectedSource(
      workspace,
      join(sources, tarball),
      silentProgress,
      signal,
    );
    const [source, distroSource] = [join(work, 'source'), join(work, 'distro-source')];
    for (const copy of [source, distroSource]) cpSync(folder, copy, { recursive: true });
    writeFileSync(join(distroSource, 'drivers/message/fusion/mptscsih.c'), fixed);
    rmSync(join(work, 'source-package'), { recursive: true });
    const guest = rootTarget(root, { dryRun: false });
    const toolchain = await openToolchain('guest', guest);
    const [architecture] = ARCHITECTURES;
    if (architecture === undefined) throw new Error('no architecture is known');
    const options = { workspace, files, toolchain, architecture, release, signal, progress: silentProgress };
    const { modulePath, distroModule: module } = await plantAffectedModule(guest, options);
    const distroModule = join(work, 'mptscsih.ko');
    cpSync(module, distroModule);
    replace(join(root, 'etc/initramfs-tools/conf.d/quick'), 'MODULES=list\n');
    replace(join(root, 'etc/initramfs-tools/modules'), 'mptspi\nsd_mod\next4\n');
    await inside(root, 'mkinitramfs', '-o', `/boot/initrd.img-${release}`, release);
    return { release, modulePath, source, distroSource, distroModule };
  } finally {
    await workspace.dispose();
  }
}
