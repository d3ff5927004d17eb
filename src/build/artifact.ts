import type { ArtifactInfo } from '../artifact-info.ts';
import { compressModule, moduleFormat, xzCheck } from '../elf/compression.ts';
import { readElf } from '../elf/elf.ts';
import { modinfo, modinfoField } from '../elf/module-data.ts';
import { failure } from '../errors.ts';
import { filterTool } from '../guest/module-file.ts';
import { sha256 } from '../hash.ts';
import type { DriverFiles } from '../kernel-source/driver-files.ts';
import { treeVersion } from '../kernel-source/driver-files.ts';
import type { Headers } from '../kernel-source/headers.ts';
import { requireTools, TOOLS } from '../machine/tools.ts';
import { originText } from '../plan/origins.ts';
import type { Workspace } from '../work/workspace.ts';
import { type Builds, compilerName, compilerTools } from './compile-both.ts';
import { compilerOf, proveCompiler } from './compiler.ts';
import { proveDependencies } from './dependencies.ts';
import type { Job, Making } from './job.ts';
import { type LinkedModules, linkedModules } from './linked-modules.ts';
import type { Patched } from './patch-source.ts';
import type { ProofResult } from './proof.ts';
import { proveModule, proveVersions } from './proofs.ts';
import { signModule } from './sign.ts';

/** Refuses before the compiler is started what cannot come to a good end: versions that differ. */
export async function proveBeforehand(
  job: Job,
  making: Making,
  source: DriverFiles,
  headers: Headers,
  workspace: Workspace,
): Promise<readonly ProofResult[]> {
  const compiler = compilerName(headers, making);
  const versions = proveVersions({
    source: source.makefile === undefined ? undefined : treeVersion(source.makefile)?.base,
    headers: headers.version.base,
    headersRelease: headers.release,
    release: job.kernel.release,
  });
  requireProofs([versions], job);
  await requireTools(workspace.machine, [TOOLS.make, TOOLS.strip, ...compilerTools(headers, making)]);
  const shipped = readElf(job.shipped.bytes);
  const proofs = [versions, waive(await proveCompiler(workspace, compiler, shipped, headers.config), making)];
  requireProofs(proofs, job);
  return proofs;
}

export interface Artifact {
  /** Packed as the module that it replaces. */
  readonly bytes: Buffer;
  readonly info: ArtifactInfo;
  readonly log: string;
}

export interface ToProve {
  readonly source: DriverFiles;
  readonly headers: Headers;
  readonly patched: Patched;
  readonly builds: Builds;
  readonly linked: Promise<LinkedModules>;
  readonly beforehand: readonly ProofResult[];
  readonly packages: ArtifactInfo['packages'];
}

/** Compares the new module with the guest's. Throws the first proof that fails (E_PROOF_…). */
export async function proveArtifact(
  job: Job,
  making: Making,
  made: ToProve,
  workspace: Workspace,
): Promise<Artifact> {
  const { headers, patched, builds } = made;
  const { machine } = workspace;
  const built = readElf(builds.patched.bytes);
  const symversFile = `${headers.folder}/Module.symvers`;
  const proofs = [
    ...made.beforehand,
    ...proveModule({
      built,
      baseline: readElf(builds.unchanged.bytes),
      shipped: readElf(job.shipped.bytes),
      symvers: (await machine.readText(symversFile)) ?? '',
      path: job.module.path,
      isPatched: patched.patch !== null,
    }),
    ...(await dependencyProof(job, builds.patched.bytes, made.linked, symversFile, workspace)),
  ].map((proof) => waive(proof, making));
  requireProofs(proofs, job, await keptLog(workspace, proofs, builds));
  const signed =
    making.sign === undefined
      ? undefined
      : await signModule(machine, workspace.own('sign'), builds.patched.bytes, headers, making.sign);
  if (signed !== undefined) requireProofs([signed.proof], job);
  const unpacked = signed?.bytes ?? builds.patched.bytes;
  const bytes = await compressModule(unpacked, job.shipped.format, filterTool(machine));
  const told = [...proofs, ...(signed === undefined ? [] : [signed.proof]), compression(job, bytes)];
  return {
    bytes,
    log: builds.patched.log,
    info: {
      source: {
        origin: originText(job.source),
        version:
          made.source.makefile === undefined ? null : (treeVersion(made.source.makefile)?.base ?? null),
        file: `drivers/message/fusion/${patched.file}`,
        sha256: sha256(patched.before),
        patchedSha256: sha256(patched.after),
      },
      headers: { origin: headers.origin, version: headers.version.base, release: headers.release ?? null },
      packages: [...made.packages],
      patch: patched.patch,
      compiler: compilerOf(built),
      command: [...builds.patched.command],
      vermagic: modinfoField(modinfo(built), 'vermagic') ?? '',
      proofs: told.map(({ name, ok, detail, waived }) => ({ name, ok, detail, waived: waived ?? false })),
    },
  };
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
    code: 'E_BUILD',
  };
}

/** Only that source and compiler are the module's own may be taken on trust, and only where the user says so. */
function waive(proof: ProofResult, { allowUnproven }: Making): ProofResult {
  const mayBe = proof.name === 'provenance' || proof.name === 'compiler';
  return mayBe && !proof.ok && allowUnproven ? { ...proof, waived: true } : proof;
}

/** Left out where only a module file is at hand. */
async function dependencyProof(
  job: Job,
  bytes: Uint8Array,
  linked: Promise<LinkedModules>,
  symversFile: string,
  workspace: Workspace,
): Promise<readonly ProofResult[]> {
  if (job.guest === undefined) return [];
  await requireTools(workspace.machine, [TOOLS.depmod]);
  const modules = await linkedModules(job, bytes, await linked);
  const all = [{ name: job.module.name, bytes }, ...modules.values()];
  return [await proveDependencies(workspace, job.kernel.release, all, symversFile)];
}

async function keptLog(
  workspace: Workspace,
  proofs: readonly ProofResult[],
  { patched, unchanged }: Builds,
): Promise<string | undefined> {
  if (proofs.every(holds)) return undefined;
  const told = proofs.map(({ name, ok, detail }) => `${ok ? 'holds' : 'FAILS'}  ${name}: ${detail}`);
  return workspace.keepLog('build', `${told.join('\n')}\n\n${patched.log}\n${unchanged.log}`);
}

function holds({ ok, waived }: ProofResult): boolean {
  return ok || waived === true;
}

function requireProofs(proofs: readonly ProofResult[], { kernel }: Job, log?: string): void {
  const failed = proofs.find((proof) => !holds(proof));
  if (failed === undefined) return;
  const version = kernel.packageVersion === null ? '' : ` (package version ${kernel.packageVersion})`;
  const unproven =
    failed.name === 'provenance' || failed.name === 'compiler'
      ? '; --allow-unproven goes on all the same'
      : '';
  throw failure(
    failed.code,
    `proof “${failed.name}” failed: ${failed.detail}`,
    `bring source, headers and compiler of exactly ${kernel.release}${version}${unproven}; nothing was changed on the guest`,
    log === undefined ? {} : { log },
  );
}
