import type { BuildOptions } from '../build-options.ts';
import { readElf } from '../elf/elf.ts';
import { type DriverFiles, readDriverTree } from '../kernel-source/driver-files.ts';
import { type HeaderFacts, requireHeaderFolder, surveyHeaders } from '../kernel-source/headers.ts';
import { programLibraries } from '../kernel-source/host-programs.ts';
import { unpackDriver } from '../kernel-source/unpack.ts';
import type { Target, UserIds } from '../machine/port.ts';
import { requireTools, TOOLS } from '../machine/tools.ts';
import { localTarget } from '../machine/tree.ts';
import { defined } from '../optional.ts';
import { silentProgress } from '../progress.ts';
import { freeUsers } from '../work/users.ts';
import { requireWorkBase } from '../work/workspace.ts';
import { requireBuildable } from './architecture.ts';
import { compilerName, compilerTools, proveCompiler } from './compiler.ts';
import { requireConfiguration } from './configured-tree.ts';
import type { Job } from './job.ts';
import { patchSource } from './patch-source.ts';
import { requireProofs, waive } from './proof.ts';
import { proveVersions } from './proofs.ts';
import { requireSignable } from './sign.ts';
import { isFolder, libraryPlaces, sourceVersion } from './sources.ts';

/** A production that is only thought of. */
export interface Intended {
  readonly job: Job;
  readonly options: BuildOptions;
  /** The folder in which the work folder would be made. */
  readonly workBase: string;
  /**
   * Also reads what was given to its end: the archive, all of the headers. Without it only what is found in a moment
   * counts, and the production itself refuses the rest, before anything of the guest is changed.
   */
  readonly thoroughly: boolean;
  readonly signal: AbortSignal;
}

/**
 * Throws what the production would, as far as nothing need be fetched or compiled for it: the same errors, found first.
 * Only reads.
 */
export async function requireProducible(intended: Intended): Promise<void> {
  const { job, options, workBase, thoroughly } = intended;
  const machine = localTarget({ dryRun: true });
  requireBuildable(job, options);
  await requireTools(machine, [TOOLS.flock]);
  await requireWorkBase(workBase);
  const source = await givenSource(machine, intended);
  const headers = await givenHeaders(machine, intended);
  if (options.wholeTree) await requireConfiguration(intended);
  await requireTools(machine, [TOOLS.bubblewrap, TOOLS.make, TOOLS.strip]);
  if (headers !== undefined) await requireFitting(machine, intended, headers, source);
  else if (thoroughly && source !== undefined) requireLikelyPatchable(job, source);
  if (options.sign === undefined) return;
  await requireTools(machine, [TOOLS.openssl]);
  const { version, config } = headers ?? {};
  const isKnown = version !== undefined && config !== undefined;
  const kernel = isKnown ? { shipped: job.shipped.bytes, version, config } : undefined;
  await requireSignable(machine, options.sign, kernel);
}

/** The driver's files of a source that was given; undefined where there is none to read, or it takes too long. */
async function givenSource(
  machine: Target,
  { job: { source }, thoroughly, signal }: Intended,
): Promise<DriverFiles | undefined> {
  if (source.kind !== 'local') return undefined;
  if (await isFolder(machine, source.path)) return readDriverTree(machine, source.path);
  if (!thoroughly) return undefined;
  const user = await unprivileged();
  return unpackDriver(machine, source.path, { progress: silentProgress, signal, ...defined({ user }) });
}

/** What headers say that are here already; undefined where there are none, or reading them takes too long. */
async function givenHeaders(
  machine: Target,
  { job: { headers, guest }, options, thoroughly, signal }: Intended,
): Promise<HeaderFacts | undefined> {
  if (options.wholeTree || (headers.kind !== 'local' && headers.kind !== 'guest')) return undefined;
  const origin = headers.kind === 'guest' && guest !== undefined ? guest : machine;
  if (thoroughly) return surveyHeaders(origin, headers.path, signal);
  await requireHeaderFolder(origin, headers.path);
  return undefined;
}

async function requireFitting(
  machine: Target,
  { job, options }: Intended,
  headers: HeaderFacts,
  source: DriverFiles | undefined,
): Promise<void> {
  const versions = proveVersions({
    source: source === undefined ? undefined : sourceVersion(source),
    headers: headers.version,
    headersRelease: headers.release,
    release: job.kernel.release,
  });
  requireProofs([versions], job);
  if (headers.loader !== undefined) await programLibraries(machine, headers.loader, libraryPlaces(job));
  await requireTools(machine, compilerTools(headers, options));
  const compiler = await proveCompiler(
    { machine, user: await unprivileged() },
    { name: compilerName(headers, options), shipped: readElf(job.shipped.bytes), config: headers.config },
  );
  requireProofs([versions, waive(compiler, options)], job);
  if (source !== undefined) patchSource(job, source, headers);
}

/** Headers that are still to be fetched are of the kernel's version; a source of another one is refused for that. */
function requireLikelyPatchable(job: Job, source: DriverFiles): void {
  const { base } = job.kernel;
  if (base !== null && (sourceVersion(source) ?? base) === base) patchSource(job, source, { version: base });
}

/** What comes from outside is never unpacked as root. */
async function unprivileged(): Promise<UserIds | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const [user] = await freeUsers(1, []);
  return user;
}
