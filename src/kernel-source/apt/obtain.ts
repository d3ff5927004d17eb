import { ARCHITECTURES } from '../../architectures.ts';
import { kernelPackageArchitecture } from '../../guest/kernel.ts';
import type { TargetReads } from '../../machine/port.ts';
import type { Workspace } from '../../work/workspace.ts';
import type { UnpackOptions } from '../archive.ts';
import { findFolder } from '../build-folder.ts';
import type { Obtain } from '../request.ts';
import type { Apt, AptPackage } from './apt.ts';
import { openArchives } from './mirrors.ts';
import { findPackages, sourceArchive, unpackDeb } from './packages.ts';

/** Packages of Debian's family: through apt's signature and hash checks, unpacked by dpkg-deb. */
export const obtainByApt: Obtain = async (workspace, request, options) => {
  const { provider, kernel, version, wants, guest, archives } = request;
  const { progress, signal } = options;
  progress.note(`reading the package lists of ${archives.mirrors.join(', ') || guest.name}`);
  // The guest's own word for the kernel's architecture, else the module's: never this machine's.
  const architecture =
    (await kernelPackageArchitecture(guest, kernel.release)) ??
    ARCHITECTURES.find(({ name }) => name === request.architecture)?.debian;
  const apt = await openArchives(workspace, { guest, architecture, archives, signal });
  const names = provider.packages(kernel);
  const found = await findPackages(apt, {
    ...(wants.headers ? { headers: names.headers } : {}),
    libraries: wants.headers ? await missingLibraries(architecture, [workspace.machine, guest]) : [],
    ...(wants.source ? { source: names.source } : {}),
    version,
  });
  const packages = [
    ...found.headers,
    ...found.libraries,
    ...(found.source === undefined ? [] : [found.source]),
  ];
  const root = await fetchAndUnpack(workspace, apt, packages, options);
  return {
    packages: packages.map(({ name, version, sha256 }) => ({ name, version, sha256 })),
    headers: wants.headers
      ? await findFolder(workspace.machine, root, provider.buildFolder(kernel))
      : undefined,
    libraries: found.libraries.length === 0 ? undefined : root,
    source: wants.source ? await sourceArchive(workspace, root) : undefined,
  };
};

/** The package of the C library that programs of an architecture need, where nobody has it. */
export async function missingLibraries(
  architecture: string | undefined,
  places: readonly Pick<TargetReads, 'stat'>[],
): Promise<readonly string[]> {
  const loader = ARCHITECTURES.find(({ debian }) => debian === architecture)?.loader;
  if (loader === undefined) return [];
  const found = await Promise.all(places.map((place) => place.stat(loader)));
  return found.some((status) => status !== undefined) ? [] : ['libc6'];
}

/**
 * Fetches the packages and unpacks them, all as the workspace's user, below one folder, which then holds what they would put
 * below /.
 */
export async function fetchAndUnpack(
  workspace: Workspace,
  apt: Apt,
  packages: readonly AptPackage[],
  { progress, signal }: UnpackOptions,
): Promise<string> {
  const files = await apt.download(packages, progress);
  const root = workspace.at('packages');
  await workspace.machine.mkdir(root, 0o755);
  await workspace.handOver(root);
  for (const file of files) {
    progress.note(`unpacking ${file.replace(/^.*\//, '')}`);
    await unpackDeb(workspace, file, root, signal);
    // A .deb of the source is as large as its content.
    await workspace.machine.remove(file);
  }
  return root;
}
