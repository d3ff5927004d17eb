import { isDeepStrictEqual } from 'node:util';
import type { ArtifactInfo } from '../artifact-info.ts';
import { readElf } from '../elf/elf.ts';
import { failure } from '../errors.ts';
import { type DriverFiles, readDriverTree, treeVersion } from '../kernel-source/driver-files.ts';
import type { Headers } from '../kernel-source/headers.ts';
import { obtain } from '../kernel-source/obtain.ts';
import { packageRequest } from '../kernel-source/providers.ts';
import type { Obtained } from '../kernel-source/request.ts';
import { lookUpSource } from '../kernel-source/unpack.ts';
import type { Target } from '../machine/port.ts';
import { requireTools, TOOLS } from '../machine/tools.ts';
import { defined } from '../optional.ts';
import { noCache } from '../work/cache.ts';
import { type Begun, beginBuilds } from './begin-builds.ts';
import { compilerTools, compilerWords, kernelCompiler } from './compiler.ts';
import { requireHostPrograms } from './host-programs.ts';
import type { BuildContext, StepContext } from './job.ts';
import { type ProofResult, requireProofs, waive } from './proof.ts';
import { proveVersions } from './proofs.ts';
import { type Builds, type RunningBuilds, stoppingOnFailure } from './running-builds.ts';
import { sourcePath } from './take-headers.ts';
import { makeTools } from './toolchain/named-tools.ts';
import {
  askCompiler,
  describeCompiler,
  judgeCompiler,
  proveCompiler,
  requireCompilerOfEra,
} from './toolchain/prove-compiler.ts';
import { requireToolsOf } from './toolchain/toolchain.ts';

/** Fetches what of the job comes in packages. */
export async function fetchPackages({
  job,
  options,
  workspace,
  cache,
  progress,
  signal,
}: StepContext): Promise<Obtained> {
  const wants = {
    headers: job.headers.kind === 'package',
    source: job.source.kind === 'package',
    wholeTree: options.wholeTree,
  };
  const { guest, kernel } = job;
  if ((!wants.headers && !wants.source) || guest === undefined)
    return { packages: [], headers: undefined, source: undefined };
  const request = await packageRequest(guest, {
    kernel,
    architecture: readElf(job.shipped.bytes).machineName,
    archives: options,
    keeps: cache !== noCache,
  });
  return obtain(workspace, { ...request, wants }, { progress, signal, ...defined({ user: workspace.user }) });
}

/** What a build starts from, and the builds that were begun with it. */
export interface Sources {
  readonly fetched: Obtained;
  readonly source: DriverFiles;
  readonly headers: Headers;
  /** Where it is compiled, for the manifest. */
  readonly toolchain: ArtifactInfo['toolchain'];
  /** What must hold before a compiler sees the source. */
  readonly beforehand: readonly ProofResult[];
  readonly running: RunningBuilds;
}

/**
 * Takes source and headers side by side; the builds are begun meanwhile. The driver is given to the unchanged one once
 * source, headers and compiler are proven to be of one version.
 */
export async function takeSources(context: StepContext, fetched: Obtained): Promise<Sources> {
  const opened = await openSource(context, fetched);
  const isPacked = typeof opened === 'function';
  const source = isPacked ? opened() : Promise.resolve(opened);
  const begun = beginBuilds(context, fetched, isPacked);
  // Whatever happens, both have ended then: nothing may still write into a work folder that is being removed.
  const [, started] = await Promise.allSettled([source, begun]);
  const running = started.status === 'fulfilled' ? started.value.running : undefined;
  return stoppingOnFailure(running, async () => {
    const files = await source;
    const { headers, toolchain, running, early } = await begun;
    const opened = { ...context, toolchain, early };
    const { proofs: beforehand, compiler } = await proveBeforehand(opened, files, headers);
    running.unchanged(new Map(files.files));
    return { fetched, source: files, headers, toolchain: compiler, beforehand, running };
  });
}

/** Refuses before the compiler is started what cannot come to a good end: versions that differ. */
async function proveBeforehand(
  { job, options, workspace, toolchain, early }: BuildContext & Pick<Begun, 'toolchain' | 'early'>,
  source: DriverFiles,
  headers: Headers,
): Promise<{ readonly proofs: readonly ProofResult[]; readonly compiler: Sources['toolchain'] }> {
  const versions = proveVersions({
    source: sourceVersion(source),
    headers: headers.version,
    headersRelease: headers.release,
    release: job.kernel.release,
  });
  requireProofs([versions], job);
  // Only the build itself can ask the compiler of an image.
  if (toolchain.kind === 'image') return { proofs: [versions], compiler: null };
  if (headers.ready === undefined) await requireHostPrograms(workspace, toolchain, headers);
  await requireTools(workspace.machine, [TOOLS.bubblewrap, TOOLS.strip]);
  await requireToolsOf(toolchain, [...makeTools(options.makeVars), ...compilerTools(headers, options)]);
  const words = compilerWords(headers, options);
  const said = await early;
  const isTheOne = said !== undefined && isDeepStrictEqual(said.words, words);
  const answer = isTheOne ? said.answer : await askCompiler(workspace, toolchain, words);
  await requireCompilerOfEra(workspace, toolchain, { words, base: headers.version, answer });
  const compiler = await proveCompiler(workspace, toolchain, {
    words,
    answer,
    tool: kernelCompiler(headers.config),
    shipped: readElf(job.shipped.bytes),
    config: headers.config,
  });
  const proofs = [versions, waive(compiler, options)];
  requireProofs(proofs, job);
  return { proofs, compiler: await describeCompiler(workspace, toolchain, words, answer) };
}

/** What could only be proven by the builds of an image: that its compiler is the kernel's. Any other build has it already. */
export async function proveReported(
  { job, options, toolchain }: Pick<StepContext, 'job' | 'options' | 'toolchain'>,
  sources: Sources,
  { compiler: reported }: Builds,
): Promise<Pick<Sources, 'beforehand' | 'toolchain'>> {
  const { beforehand, headers } = sources;
  if (reported === undefined) return { beforehand, toolchain: sources.toolchain };
  const { answer, sha256 } = reported;
  const opened = await toolchain;
  const proof = await judgeCompiler(answer, opened, {
    words: compilerWords(headers, options),
    tool: kernelCompiler(headers.config),
    shipped: readElf(job.shipped.bytes),
    config: headers.config,
  });
  const proofs = [...beforehand, waive(proof, options)];
  requireProofs(proofs, job);
  const version = answer.line || (answer.version ?? '');
  return { beforehand: proofs, toolchain: { kind: 'image', origin: opened.name, version, sha256 } };
}

/** The version that the source's own top Makefile declares, where it has one. */
export function sourceVersion({ makefile }: DriverFiles): string | undefined {
  return makefile === undefined ? undefined : treeVersion(makefile);
}

/** The driver's files, from a folder or from the cache; of a tarball that is still packed how to get them. */
async function openSource(
  context: StepContext,
  fetched: Obtained,
): Promise<DriverFiles | (() => Promise<DriverFiles>)> {
  const { cache, progress, signal } = context;
  const { machine, user } = context.workspace;
  const path = sourcePath(context, fetched);
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
