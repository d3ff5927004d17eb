import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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
  readonly seconds: number;
  readonly megabytes: number;
  dispose(): void;
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

/** Fetches the packages of a release and its kernel's source, and plants the affected module. Takes some two minutes. */
export async function otherGuest(codename: string): Promise<OtherGuest> {
  const started = performance.now();
  const work = mkdtempSync(join(quickestFolder(), 'mptfix-toolchain-'));
  execFileSync('chmod', ['755', work]);
  try {
    const root = join(work, 'guest');
    bootstrap(codename, root, work);
    const planted = await plant(root, work);
    const seconds = Math.round((performance.now() - started) / 1000);
    const megabytes = Number(execFileSync('du', ['-sm', root]).toString().split('\t')[0]);
    return {
      root,
      ...planted,
      seconds,
      megabytes,
      dispose: () => rmSync(work, { recursive: true, force: true }),
    };
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
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
): Promise<Pick<OtherGuest, 'release' | 'modulePath' | 'source'>> {
  const [release = ''] = readdirSync(join(root, 'lib/modules'));
  const deb = readdirSync(work).find((name) => name.startsWith('linux-source-')) ?? '';
  execFileSync('dpkg-deb', ['--extract', join(work, deb), join(work, 'source-package')]);
  rmSync(join(work, deb));
  const sources = join(work, 'source-package/usr/src');
  const tarball = readdirSync(sources).find((name) => name.endsWith('.tar.xz')) ?? '';
  const workspace = await openWorkspace(work);
  try {
    const { signal } = new AbortController();
    const { folder, files } = await affectedSource(workspace, join(sources, tarball), silentProgress, signal);
    const source = join(work, 'source');
    execFileSync('cp', ['-r', folder, source]);
    rmSync(join(work, 'source-package'), { recursive: true });
    const guest = rootTarget(root, { dryRun: false });
    const toolchain = await openToolchain('guest', guest);
    const [architecture] = ARCHITECTURES;
    if (architecture === undefined) throw new Error('no architecture is known');
    const options = { workspace, files, toolchain, architecture, release, signal, progress: silentProgress };
    const { modulePath } = await plantAffectedModule(guest, options);
    replace(join(root, 'etc/initramfs-tools/conf.d/quick'), 'MODULES=list\n');
    replace(join(root, 'etc/initramfs-tools/modules'), 'mptspi\nsd_mod\next4\n');
    await inside(root, 'mkinitramfs', '-o', `/boot/initrd.img-${release}`, release);
    return { release, modulePath, source };
  } finally {
    await workspace.dispose();
  }
}
