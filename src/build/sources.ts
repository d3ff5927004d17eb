import { join } from 'node:path';
import { architectureOf } from '../architectures.ts';
import { readElf } from '../elf/elf.ts';
import { failure } from '../errors.ts';
import { kernelPackageArchitecture } from '../guest/kernel.ts';
import { openApt } from '../kernel-source/apt/apt.ts';
import { hasSources } from '../kernel-source/apt/config.ts';
import {
  type FetchedPackage,
  fetchAndUnpack,
  findPackages,
  sourceArchive,
} from '../kernel-source/apt/packages.ts';
import { type DriverFiles, readDriverTree, treeVersion } from '../kernel-source/driver-files.ts';
import { type Headers, readHeaders } from '../kernel-source/headers.ts';
import type { Origin } from '../kernel-source/provider.ts';
import { lookUpSource } from '../kernel-source/unpack.ts';
import type { Target } from '../machine/port.ts';
import { requireTools, TOOLS } from '../machine/tools.ts';
import { localTarget } from '../machine/tree.ts';
import { defined } from '../optional.ts';
import { compilerName, compilerTools, proveCompiler } from './compiler.ts';
import { obtainTree } from './configured-tree.ts';
import type { BuildContext, Job, StepContext } from './job.ts';
import { type ProofResult, requireProofs, waive } from './proof.ts';
import { proveVersions } from './proofs.ts';
import { type RunningBuilds, startBuilds, stoppingOnFailure } from './two-builds.ts';

/** Packages that were fetched into the workspace; empty where all is local. */
export interface Fetched {
  readonly packages: readonly FetchedPackage[];
  /** Folder that stands for / of the packages. */
  readonly root: string | undefined;
}

/** Fetches what of the job comes in packages, from the guest's own archives, or the machine's where it names none. */
export async function fetchPackages({ job, workspace, progress, signal }: StepContext): Promise<Fetched> {
  const headers = packageName(job.headers);
  const source = packageName(job.source);
  if (headers === undefined && source === undefined) return { packages: [], root: undefined };
  const machine = localTarget({ dryRun: true });
  const { guest } = job;
  const origin = guest !== undefined && (await hasSources(guest)) ? guest : machine;
  progress.note(`reading the package lists of ${origin.name}`);
  const apt = await openApt(workspace, origin, { architecture: await packageArchitecture(job), signal });
  const packages = await findPackages(apt, {
    ...defined({ headers, source }),
    version: job.kernel.packageVersion ?? undefined,
  });
  return fetchAndUnpack(workspace, apt, packages, { progress, signal });
}

/** The guest's own word for the kernel's architecture, else the module's: never this machine's. */
async function packageArchitecture({ guest, kernel, shipped }: Job): Promise<string | undefined> {
  const known = guest === undefined ? undefined : await kernelPackageArchitecture(guest, kernel.release);
  return known ?? architectureOf(readElf(shipped.bytes))?.debian;
}

function packageName(origin: Origin): string | undefined {
  return origin.kind === 'package' ? origin.name : undefined;
}

/** What a build starts from, and the builds that were begun with it. */
export interface Sources {
  readonly fetched: Fetched;
  readonly source: DriverFiles;
  readonly headers: Headers;
  /** What must hold before a compiler sees the source. */
  readonly beforehand: readonly ProofResult[];
  readonly running: RunningBuilds;
}

/**
 * Takes source and headers side by side. As soon as the headers are there both builds are begun; the driver is given to
 * the unchanged one once source, headers and compiler are proven to be of one version.
 */
export async function takeSources(context: StepContext, fetched: Fetched): Promise<Sources> {
  const opened = await openSource(context, fetched);
  const isPacked = typeof opened === 'function';
  const source = isPacked ? opened() : Promise.resolve(opened);
  const begun = takeHeaders(context, fetched).then((headers) => ({
    headers,
    running: startBuilds(context, headers, isPacked),
  }));
  // Whatever happens, both have ended then: nothing may still write into a work folder that is being removed.
  const [, started] = await Promise.allSettled([source, begun]);
  const running = started.status === 'fulfilled' ? started.value.running : undefined;
  return stoppingOnFailure(running, async () => {
    const files = await source;
    const { headers, running } = await begun;
    const beforehand = await proveBeforehand(context, files, headers);
    running.unchanged(new Map(files.files));
    return { fetched, source: files, headers, beforehand, running };
  });
}

/** Refuses before the compiler is started what cannot come to a good end: versions that differ. */
async function proveBeforehand(
  { job, options, workspace }: BuildContext,
  source: DriverFiles,
  headers: Headers,
): Promise<readonly ProofResult[]> {
  const versions = proveVersions({
    source: sourceVersion(source),
    headers: headers.version,
    headersRelease: headers.release,
    release: job.kernel.release,
  });
  requireProofs([versions], job);
  await requireTools(workspace.machine, [
    TOOLS.bubblewrap,
    TOOLS.make,
    TOOLS.strip,
    ...compilerTools(headers, options),
  ]);
  const compiler = await proveCompiler(workspace, {
    name: compilerName(headers, options),
    shipped: readElf(job.shipped.bytes),
    config: headers.config,
  });
  const proofs = [versions, waive(compiler, options)];
  requireProofs(proofs, job);
  return proofs;
}

/** The version that the source's own top Makefile declares, where it has one. */
export function sourceVersion({ makefile }: DriverFiles): string | undefined {
  return makefile === undefined ? undefined : treeVersion(makefile);
}

/** The driver's files, from a folder or from the cache; of a tarball that is still packed how to get them. */
async function openSource(
  context: StepContext,
  fetched: Fetched,
): Promise<DriverFiles | (() => Promise<DriverFiles>)> {
  const { cache, progress, signal } = context;
  const { machine, user } = context.workspace;
  const path = await sourcePath(context, fetched);
  if (await isFolder(machine, path)) return readDriverTree(machine, path);
  const { known, unpack } = await lookUpSource(
    machine,
    path,
    { progress, signal, ...defined({ user }) },
    cache,
  );
  return known ?? unpack;
}

/** Throws E_SOURCE_MISSING. */
export async function isFolder(machine: Target, path: string): Promise<boolean> {
  const status = await machine.stat(path);
  if (status !== undefined) return status.type === 'directory';
  throw failure(
    'E_SOURCE_MISSING',
    `there is no ${path}`,
    'give --source a kernel’s source: a tarball or a folder',
  );
}

/** Where the source lies: what was given, or the tarball of the fetched package. */
async function sourcePath({ job, workspace }: StepContext, { root = '' }: Fetched): Promise<string> {
  return job.source.kind === 'local' ? job.source.path : sourceArchive(workspace, root);
}

/** The build folder with all its parts, or the whole tree that serves as one. */
async function takeHeaders(context: StepContext, fetched: Fetched): Promise<Headers> {
  const { job, options, workspace, signal } = context;
  if (options.wholeTree) return obtainTree(context, await sourcePath(context, fetched));
  const { headers, guest } = job;
  if (headers.kind === 'guest' && guest !== undefined)
    return readHeaders(guest, headers.path, workspace, signal);
  const machine = localTarget({ dryRun: true });
  const folder =
    headers.kind === 'local' ? headers.path : join(fetched.root ?? '', 'usr/src', packageName(headers) ?? '');
  return readHeaders(machine, folder, workspace, signal);
}
