import type { ArtifactInfo } from '../artifact-info.ts';
import { compressModule, moduleFormat, xzCheck } from '../elf/compression.ts';
import { type ElfFile, readElf } from '../elf/elf.ts';
import { modinfo, modinfoField } from '../elf/module-data.ts';
import { filterTool } from '../guest/module-file.ts';
import { sha256 } from '../hash.ts';
import { originText } from '../kernel-source/provider.ts';
import { requireTools, TOOLS } from '../machine/tools.ts';
import type { Workspace } from '../work/workspace.ts';
import { compilerOf } from './compiler.ts';
import { type Edit, fitToLoader } from './fit-loader.ts';
import type { BuildContext, Job, StepContext } from './job.ts';
import { type LinkedModules, linkedModules, proveDependencies } from './linked-modules.ts';
import { besidesRegisters } from './other-registers.ts';
import type { Patched } from './patch-source.ts';
import { holds, type ProofResult, requireProofs, waive } from './proof.ts';
import { proveModule } from './proofs.ts';
import type { Builds } from './running-builds.ts';
import { decidedByMake } from './second-make.ts';
import { signModule } from './sign.ts';
import { type Sources, sourceVersion } from './sources.ts';

export interface Artifact {
  /** Packed as the module that it replaces. */
  readonly bytes: Buffer;
  readonly info: ArtifactInfo;
  readonly log: string;
}

/** Both builds, with all that they came from. */
export interface Built extends Sources {
  readonly patched: Patched;
  readonly builds: Builds;
  readonly linked: Promise<LinkedModules>;
}

/** Compares the new module with the guest's, signs and packs it. Throws the first proof that fails (E_PROOF_…, E_BUILD). */
export async function proveArtifact(context: StepContext, compiled: Built): Promise<Artifact> {
  const { job, options, workspace } = context;
  const { machine } = workspace;
  const fitted = (some: Builds): ReturnType<typeof fitToLoader> =>
    fitToLoader(some, readElf(job.shipped.bytes), compiled.headers.version);
  const first = fitted(compiled.builds);
  const toolchain = await context.toolchain;
  const decided = await decidedByMake(
    { ...context, toolchain },
    compiled,
    readElf(first.builds.unchanged.bytes),
  );
  const { builds, edits } = decided === undefined ? first : fitted(decided);
  const built = { ...compiled, builds, edits };
  const patched = readElf(built.builds.patched.bytes);
  const proofs = await proveBuilt(context, built, patched);
  const require = async (some: readonly ProofResult[]): Promise<void> =>
    requireProofs(some, job, await keptLog(workspace, some, built.builds));
  await require(proofs);
  const signed =
    options.sign === undefined
      ? undefined
      : await signModule(
          workspace,
          built.builds.patched.bytes,
          { shipped: job.shipped.bytes, ...built.headers },
          options.sign,
        );
  const bytes = await compressModule(
    signed?.bytes ?? built.builds.patched.bytes,
    job.shipped.format,
    filterTool(machine),
  );
  const all = [...proofs, ...(signed === undefined ? [] : [signed.proof]), compression(job, bytes)];
  await require(all);
  return { bytes, log: built.builds.patched.log, info: artifactInfo(job, built, patched, all) };
}

async function proveBuilt(
  context: StepContext,
  built: Built,
  module: ElfFile,
): Promise<readonly ProofResult[]> {
  const { headers, patched, builds, beforehand, linked } = built;
  const { job, options } = context;
  const ofModule = proveModule({
    built: module,
    baseline: readElf(builds.unchanged.bytes),
    shipped: readElf(job.shipped.bytes),
    symvers: headers.symvers,
    version: headers.version,
    path: job.module.path,
    isPatched: patched.patch !== null,
  });
  const toolchain = await context.toolchain;
  const besides = ofModule.map((proof) => besidesRegisters({ ...context, toolchain }, built, proof));
  return [
    ...beforehand,
    ...(await Promise.all(besides)),
    ...(await dependencyProof(context, builds.patched.bytes, await linked, headers.symvers)),
  ].map((proof) => waive(proof, options));
}

function artifactInfo(
  job: Job,
  {
    source,
    headers,
    toolchain,
    patched,
    builds,
    fetched,
    edits,
  }: Built & { readonly edits: readonly Edit[] },
  module: ElfFile,
  proofs: readonly ProofResult[],
): ArtifactInfo {
  return {
    source: {
      origin: originText(job.source),
      version: sourceVersion(source) ?? null,
      file: `drivers/message/fusion/${patched.file}`,
      sha256: sha256(patched.before),
      patchedSha256: sha256(patched.after),
    },
    headers: {
      origin: headers.origin,
      version: headers.version,
      release: headers.release ?? null,
      configSha256: sha256(headers.config),
      symversSha256: sha256(headers.symvers),
    },
    packages: [...fetched.packages],
    patch: patched.patch,
    edits,
    compiler: compilerOf(module),
    toolchain,
    command: [...builds.patched.command],
    unchanged: unchangedInfo(builds),
    vermagic: modinfoField(modinfo(module), 'vermagic') ?? '',
    proofs: proofs.map(({ name, ok, detail, waived }) => ({ name, ok, detail, waived: waived ?? false })),
  };
}

/** How the module that provenance is proven with was made. */
function unchangedInfo({ patched, unchanged }: Builds): ArtifactInfo['unchanged'] {
  // What was fitted to the loader is a copy, of one build for both.
  if (unchanged.bytes === patched.bytes) return null;
  const { replayed, command, whyMake = null } = unchanged;
  return replayed === undefined
    ? { madeBy: 'make', commands: [command.join(' ')], whyMake }
    : { madeBy: 'recorded commands', commands: [...replayed], whyMake };
}

/** The loader of the guest takes what it took before: the same suffix, and for xz the check that the kernel knows. */
function compression({ shipped, module }: Job, bytes: Buffer): ProofResult {
  const check = shipped.format === 'xz' ? `, check ${xzCheck(bytes)}` : '';
  const packed = shipped.format === 'none' ? 'not packed' : `packed as ${shipped.format}${check}`;
  const ok =
    moduleFormat(bytes) === shipped.format && (shipped.format !== 'xz' || xzCheck(bytes) === 'crc32');
  const suffix = /\.ko(\.\w+)?$/.exec(module.path)?.[0] ?? '';
  return {
    name: 'compression',
    ok,
    detail: `${packed}, as the module that it replaces (${suffix})`,
  };
}

/** Left out where only a module file is at hand. */
async function dependencyProof(
  { job, workspace }: BuildContext,
  bytes: Uint8Array,
  linked: LinkedModules,
  symvers: string,
): Promise<readonly ProofResult[]> {
  if (job.guest === undefined) return [];
  await requireTools(workspace.machine, [TOOLS.depmod]);
  const others = await linkedModules(job, bytes, linked);
  const modules = [{ name: job.module.name, bytes }, ...others.values()];
  return [await proveDependencies(workspace, job.kernel.release, modules, symvers)];
}

async function keptLog(
  workspace: Workspace,
  proofs: readonly ProofResult[],
  { patched, unchanged }: Builds,
): Promise<string | undefined> {
  if (proofs.every(holds)) return undefined;
  const lines = proofs.map(({ name, ok, detail }) => `${ok ? 'holds' : 'FAILS'}  ${name}: ${detail}`);
  return workspace.keepLog('build', `${lines.join('\n')}\n\n${patched.log}\n${unchanged.log}`);
}
