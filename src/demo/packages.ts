import type { Architecture } from '../architectures.ts';
import { failure } from '../errors.ts';
import { readDistro } from '../guest/distro.ts';
import { openApt } from '../kernel-source/apt/apt.ts';
import { missingLibraries } from '../kernel-source/apt/obtain.ts';
import { findPackages, sourceArchive, unpackDeb } from '../kernel-source/apt/packages.ts';
import { namedKernel, PROVIDERS } from '../kernel-source/providers.ts';
import { localTarget } from '../machine/tree.ts';
import type { Progress } from '../progress.ts';
import { typedShell } from '../typed.ts';
import { kernelBase } from '../versions/kernel-base.ts';
import type { Workspace } from '../work/workspace.ts';

/** The newest kernel of this machine's archives, fetched. */
export interface KernelPackages {
  readonly architecture: Architecture;
  readonly release: string;
  readonly version: string;
  /** Names of the packages that bring the modules. */
  readonly modulePackages: readonly string[];
  /** The .debs that make up the guest: kernel and headers, and the C library of programs that this machine cannot run. */
  readonly guestDebs: readonly string[];
  /** The source's tarball, unpacked from its package. */
  readonly tarball: string;
}

/** Finds and fetches image, headers and source of one version. Throws E_DISTRO_UNKNOWN off Debian and its derivatives. */
export async function fetchKernel(
  workspace: Workspace,
  architecture: Architecture,
  progress: Progress,
  signal: AbortSignal,
): Promise<KernelPackages> {
  const machine = localTarget({ dryRun: true });
  const distro = await readDistro(machine);
  const provider = PROVIDERS.findLast(({ distros }) => distros.includes(distro.id));
  if (provider?.newest === undefined) {
    throw failure(
      'E_DISTRO_UNKNOWN',
      `the demo takes its kernel from Debian’s or Ubuntu’s archives, and this machine is ${distro.pretty}`,
      'run it in a Debian container',
    );
  }
  progress.note('reading the package lists');
  const apt = await openApt(workspace, machine, { architecture: architecture.debian, signal });
  const meta = provider.newest(architecture.debian);
  const [newest] = await apt.show(meta);
  const release = /\blinux-image-(\d[^\s,|(]*)/.exec(newest?.depends ?? '')?.[1];
  if (newest === undefined || release === undefined) {
    throw failure(
      'E_FETCH',
      `the archives have no ${meta}`,
      `see /etc/apt/sources.list, then ${typedShell(['apt-get', 'update'])}`,
    );
  }
  const kernel = namedKernel(release, kernelBase(release, newest.version)?.base);
  if (kernel === undefined) throw new Error(`${release} is no kernel release`);
  const { modules, headers, source } = provider.packages(kernel);
  const libraries = await missingLibraries(architecture.debian, [machine]);
  const found = await findPackages(apt, { headers, source, libraries, more: modules, version: undefined });
  const guestPackages = [...found.headers, ...found.libraries, ...found.more];
  const sources = found.source === undefined ? [] : [found.source];
  const files = await apt.download([...guestPackages, ...sources], progress);
  const sourceDeb = files[guestPackages.length] ?? '';
  const root = workspace.at('packages');
  await workspace.machine.mkdir(root, 0o755);
  await workspace.handOver(root);
  progress.note(`unpacking ${source}`);
  await unpackDeb(workspace, sourceDeb, root, signal);
  return {
    architecture,
    release,
    version: found.headers[0]?.version ?? '',
    modulePackages: modules,
    guestDebs: files.filter((file) => file !== sourceDeb),
    tarball: await sourceArchive(workspace, root),
  };
}
