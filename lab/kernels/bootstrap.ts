import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ARCHITECTURES } from '../../src/architectures.ts';
import { openToolchain } from '../../src/build/toolchain/toolchain.ts';
import { affectedSource, plantAffectedModule } from '../../src/demo/guest-tree.ts';
import type { Target } from '../../src/machine/port.ts';
import { mustRun } from '../../src/machine/tools.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { openWorkspace } from '../../src/work/workspace.ts';
import type { Demo, Lab } from '../part.ts';
import type { LabKernel } from './table.ts';

const TOOLS = ['gcc', 'make', 'kmod', 'zstd'];
const EXCLUDED = ['man', 'doc', 'locale', 'info', 'bash-completion', 'zoneinfo'];

/**
 * A guest of another Debian release than this machine's, with its kernel and the compiler of that, and with a driver that
 * this compiler has built with the branch. mmdebstrap fetches by a private apt, and checks with Debian's keyring.
 * Throws an error with what mmdebstrap said where the archive cannot be reached. `folder` is created.
 */
export async function bootstrapGuest(lab: Lab, kernel: LabKernel, folder: string): Promise<Demo> {
  const { machine } = lab.workspace;
  await mkdir(folder, { mode: 0o755 });
  const guest = join(folder, 'guest');
  await runMmdebstrap(machine, kernel, { folder, guest, signal: lab.signal });
  const release = await onlyEntry(join(guest, 'lib/modules'), '');
  const source = await plantDriver(lab, kernel, { folder, guest, release });
  return { kernel: { release, packageVersion: await versionOf(guest, release) }, guest, source };
}

async function runMmdebstrap(
  machine: Target,
  { codename, architecture, flavour }: LabKernel,
  {
    folder,
    guest,
    signal,
  }: { readonly folder: string; readonly guest: string; readonly signal: AbortSignal },
): Promise<void> {
  const packages = [`linux-image-${flavour}`, `linux-headers-${flavour}`, ...TOOLS];
  const debian = ARCHITECTURES.find(({ name }) => name === architecture)?.debian ?? architecture;
  const fetchSource = [
    'cd "$2"',
    'name=$(APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-cache depends linux-source | sed -n "s/.*Depends: //p" | head -n 1)',
    'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --quiet download "$name"',
  ].join(' && ');
  const argv = [
    ...['mmdebstrap', '--variant=apt', `--architectures=${debian}`],
    // It would ask for a program that looks whether this machine runs the programs of the other architecture.
    '--skip=check/qemu',
    `--include=${packages.join(',')}`,
    ...['--aptopt=APT::Install-Recommends "false"', '--dpkgopt=force-unsafe-io'],
    ...EXCLUDED.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    `--customize-hook=sh -c '${fetchSource}' sh "$1" ${folder}`,
    ...[codename, guest],
  ];
  // The image of all its modules would take most of a minute, and the lab's guests boot without it.
  const env = { INITRD: 'No', DEBIAN_FRONTEND: 'noninteractive' };
  await mustRun(machine, ['nice', ...argv], {
    env,
    signal,
    problem: (words) => new Error(`cannot make a guest of Debian ${codename}: ${firstError(words)}`),
  });
  signal.throwIfAborted();
}

/** The first error is apt's own; what follows is that apt, and then mmdebstrap, has failed. */
function firstError(words: string): string {
  const lines = words.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => line.startsWith('E: '))?.slice(3) ?? lines.at(-1) ?? 'mmdebstrap failed';
}

/** Builds the driver with the branch and puts it in the distro's place; returns the source it was built from. */
async function plantDriver(
  { signal }: Lab,
  kernel: LabKernel,
  { folder, guest, release }: { readonly folder: string; readonly guest: string; readonly release: string },
): Promise<string> {
  // Of its own: each has its own folder of the same name for the source.
  const workspace = await openWorkspace(folder);
  try {
    const packed = join(folder, 'source-package');
    const deb = join(folder, await onlyEntry(folder, 'linux-source-'));
    await mustRun(workspace.machine, ['dpkg-deb', '--extract', deb, packed], { signal });
    const sources = join(packed, 'usr/src');
    const tarball = join(sources, await onlyEntry(sources, 'linux-source-'));
    const affected = await affectedSource(workspace, tarball, silentProgress, signal);
    const source = join(folder, 'source');
    await cp(affected.folder, source, { recursive: true });
    for (const done of [deb, packed]) await rm(done, { recursive: true });
    const tree = rootTarget(guest, { dryRun: false });
    const architecture = ARCHITECTURES.find(({ name }) => name === kernel.architecture);
    if (architecture === undefined) throw new Error(`no driver of ${kernel.architecture} can be built`);
    await plantAffectedModule(tree, {
      workspace,
      files: affected.files,
      toolchain: await openToolchain('guest', tree),
      architecture,
      release,
      signal,
      progress: silentProgress,
    });
    return source;
  } finally {
    await workspace.dispose();
  }
}

async function onlyEntry(folder: string, prefix: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix));
  const [name] = names;
  if (name === undefined || names.length > 1)
    throw new Error(`${folder} has ${names.length} entries that begin with ${prefix}, and one is expected`);
  return name;
}

async function versionOf(guest: string, release: string): Promise<string> {
  const stanzas = (await readFile(join(guest, 'var/lib/dpkg/status'), 'utf8')).split('\n\n');
  const stanza = stanzas.find((text) => text.startsWith(`Package: linux-image-${release}\n`)) ?? '';
  return /^Version: (.+)$/m.exec(stanza)?.[1] ?? '';
}
