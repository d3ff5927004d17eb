import type { BuildOptions } from '../build-options.ts';
import { readElf } from '../elf/elf.ts';
import { type DriverFiles, readDriverTree } from '../kernel-source/driver-files.ts';
import { type HeaderFacts, requireHeaderFolder, surveyHeaders } from '../kernel-source/header-facts.ts';
import { programLibraries } from '../kernel-source/host-programs.ts';
import { unpackDriver } from '../kernel-source/unpack.ts';
import type { Target } from '../machine/port.ts';
import { requireTools, TOOLS, type Tool } from '../machine/tools.ts';
import { localTarget } from '../machine/tree.ts';
import { defined } from '../optional.ts';
import { silentProgress } from '../progress.ts';
import { unprivileged } from '../work/users.ts';
import { requireWorkBase } from '../work/workspace.ts';
import { requireBuildable } from './architecture.ts';
import { compilerTools, compilerWords, kernelCompiler } from './compiler.ts';
import { requireConfiguration } from './configured-tree.ts';
import { requireImage } from './elsewhere/engines.ts';
import type { Job } from './job.ts';
import { patchSource } from './patch-source.ts';
import { requireProofs, waive } from './proof.ts';
import { proveVersions } from './proofs.ts';
import { requireSignable } from './sign.ts';
import { isFolder, sourceVersion } from './sources.ts';
import { libraryPlaces } from './take-headers.ts';
import { makeTools, withNamedTools } from './toolchain/named-tools.ts';
import { askCompiler, proveCompiler, requireCompilerOfEra } from './toolchain/prove-compiler.ts';
import { openToolchain, requireToolsOf, type Toolchain } from './toolchain/toolchain.ts';

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
  const toolchain = await openToolchain(options.toolchain, job.guest);
  await requireTools(machine, [TOOLS.flock]);
  await requireWorkBase(workBase);
  const source = await givenSource(machine, intended);
  const headers = await givenHeaders(machine, intended);
  if (options.wholeTree) await requireConfiguration(intended);
  await requireTools(machine, [TOOLS.bubblewrap, TOOLS.strip]);
  if (toolchain.kind === 'image') await requireImage(machine, toolchain.name);
  else
    await requireToolsOf(toolchain, [...makeTools(options.makeVars), ...likelyCompiler(intended, toolchain)]);
  if (headers !== undefined) await requireFitting(intended, toolchain, headers, source);
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
  { job, options }: Intended,
  opened: Toolchain,
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
  if (headers.loader !== undefined && opened.kind === 'machine')
    await programLibraries(opened.place, headers.loader, libraryPlaces(job));
  if (opened.kind === 'image') {
    requireProofs([versions], job);
    if (source !== undefined) patchSource(job, source, headers);
    return;
  }
  const toolchain = await withNamedTools(opened, options.makeVars);
  await requireToolsOf(toolchain, compilerTools(headers, options));
  const words = compilerWords(headers, options);
  const workspace = { machine: localTarget({ dryRun: true }), user: await unprivileged() };
  const answer = await askCompiler(workspace, toolchain, words);
  await requireCompilerOfEra(workspace, toolchain, { words, base: headers.version, answer });
  const compiler = await proveCompiler(workspace, toolchain, {
    words,
    answer,
    tool: kernelCompiler(headers.config),
    shipped: readElf(job.shipped.bytes),
    config: headers.config,
  });
  requireProofs([versions, waive(compiler, options)], job);
  if (source !== undefined) patchSource(job, source, headers);
}

/**
 * A tree has a gcc of its own, whatever its name is, or it is no toolchain; this machine's is looked for when the headers
 * tell which one it must be.
 */
function likelyCompiler({ options }: Intended, { kind }: Toolchain): readonly Tool[] {
  const isNamed = options.makeVars.some((word) => /^(CC|CROSS_COMPILE)=/.test(word));
  return kind === 'machine' || isNamed ? [] : [TOOLS.gcc];
}

/** Headers that are still to be fetched are of the kernel's version; a source of another one is refused for that. */
function requireLikelyPatchable(job: Job, source: DriverFiles): void {
  const { base } = job.kernel;
  if (base !== null && (sourceVersion(source) ?? base) === base) patchSource(job, source, { version: base });
}
