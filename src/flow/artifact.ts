import { createHash } from 'node:crypto';
import { type Compiled, compileModule } from '../build/compile.ts';
import { kernelCompiler } from '../build/compiler.ts';
import { type ProofResult, proveModule, proveVersions } from '../build/proofs.ts';
import { makePatch } from '../driver/patch/make.ts';
import { compressModule } from '../elf/compression.ts';
import { EM_X86_64, readElf } from '../elf/elf.ts';
import { modinfo, modinfoField } from '../elf/modinfo.ts';
import { failure } from '../errors.ts';
import type { ArtifactInfo } from '../install/manifest.ts';
import type { Progress } from '../progress.ts';
import type { DriverFiles } from '../source/driver-files.ts';
import type { Headers } from '../source/headers.ts';
import { treeVersion } from '../source/makefile-version.ts';
import type { Target } from '../target/port.ts';
import { requireTools, TOOLS } from '../target/tools.ts';
import type { Workspace } from '../target/workspace.ts';
import { originText, type Plan } from './plan.ts';
import { filterTool, readModule } from './read-module.ts';

/** A driver's source with the branch removed, and the proof that nothing else changed. */
export interface Patched {
  readonly file: string;
  readonly before: string;
  readonly after: string;
  readonly patch: ArtifactInfo['patch'];
}

/** Refuses before the compiler is started what cannot come to a good end. */
export function requireSameVersion(plan: Plan, source: DriverFiles, headers: Headers): ProofResult {
  const declared = source.makefile === undefined ? undefined : treeVersion(source.makefile)?.base;
  const proof = proveVersions({
    source: declared,
    headers: headers.version.base,
    headersRelease: headers.release,
    release: plan.kernel.release,
  });
  requireProofs([proof], plan);
  return proof;
}

/** Removes the branch. Throws E_PATCH_… where the source does not have it, or it is not certain where it is. */
export function patchSource(plan: Plan, source: DriverFiles, headers: Headers): Patched {
  const file = plan.module?.name === 'mptscsi' ? 'mptscsi.c' : 'mptscsih.c';
  const content = source.files.get(file);
  if (content === undefined) {
    throw failure(
      'E_DRIVER_NOT_IN_SOURCE',
      `${originText(plan.source as NonNullable<Plan['source']>)} has no ${file}, from which the guest's module ${plan.module?.name} is made`,
      'give --source the source of exactly this kernel',
    );
  }
  // latin1: every byte of a source of 2001 comes back as it was, whatever its encoding.
  const before = content.toString('latin1');
  const result = makePatch({ text: before, file, base: headers.version.base });
  if (result.kind === 'nothing') {
    throw failure(
      'E_PATCH_NO_BRANCH',
      `the guest's module has the branch and the source has not (${result.detail}): the source is not what the module was built from`,
      `give --source the source of exactly ${plan.kernel.packageVersion ?? plan.kernel.release}`,
    );
  }
  const { name, origin, lines, diff, patched } = result;
  return {
    file,
    before,
    after: patched,
    patch: { name, origin, firstLine: lines.first, lastLine: lines.last, diff },
  };
}

/** Compiles the patched driver in the workspace. */
export async function compilePatched(
  plan: Plan,
  source: DriverFiles,
  patched: Patched,
  headers: Headers,
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
): Promise<Compiled> {
  await requireTools(workspace.machine, [TOOLS.make, TOOLS.strip, kernelCompiler(headers.config)]);
  const files = new Map<string, Uint8Array>(source.files);
  files.set(patched.file, Buffer.from(patched.after, 'latin1'));
  return compileModule({
    workspace,
    headers,
    files,
    module: plan.module?.name ?? '',
    label: 'patched',
    progress,
    signal,
  });
}

export interface Artifact {
  /** Packed as the module that it replaces. */
  readonly bytes: Buffer;
  readonly info: ArtifactInfo;
  readonly log: string;
}

/** Compares the new module with the guest's. Throws the first proof that fails (E_PROOF_…). */
export async function proveArtifact(
  target: Target,
  plan: Plan,
  made: {
    readonly source: DriverFiles;
    readonly headers: Headers;
    readonly patched: Patched;
    readonly compiled: Compiled;
    readonly versions: ProofResult;
    readonly packages: ArtifactInfo['packages'];
    readonly workspace: Workspace;
  },
): Promise<Artifact> {
  const { headers, patched, compiled, workspace } = made;
  const path = plan.module?.path ?? '';
  const shipped = await readModule(target, path);
  const built = readElf(compiled.bytes);
  const symvers = (await workspace.machine.readText(`${headers.folder}/Module.symvers`)) ?? '';
  const proofs = [made.versions, ...proveModule({ built, shipped: readElf(shipped.bytes), symvers, path })];
  requireProofs(proofs, plan, await keptLog(workspace, proofs, compiled.log));
  const info: ArtifactInfo = {
    source: {
      origin: originText(plan.source as NonNullable<Plan['source']>),
      version: made.source.makefile === undefined ? null : (treeVersion(made.source.makefile)?.base ?? null),
      file: `drivers/message/fusion/${patched.file}`,
      sha256: sha256(patched.before),
      patchedSha256: sha256(patched.after),
    },
    headers: { origin: headers.origin, version: headers.version.base, release: headers.release ?? null },
    packages: [...made.packages],
    patch: patched.patch,
    compiler: kernelCompiler(headers.config).name,
    command: [...compiled.command],
    vermagic: modinfoField(modinfo(built), 'vermagic') ?? '',
    proofs: proofs.map(({ name, ok, detail }) => ({ name, ok, detail })),
  };
  const bytes = await compressModule(compiled.bytes, shipped.format, filterTool(workspace.machine));
  return { bytes, info, log: compiled.log };
}

async function keptLog(
  workspace: Workspace,
  proofs: readonly ProofResult[],
  log: string,
): Promise<string | undefined> {
  return proofs.every(({ ok }) => ok) ? undefined : workspace.keepLog('build', log);
}

function requireProofs(proofs: readonly ProofResult[], plan: Plan, log?: string): void {
  const failed = proofs.find(({ ok }) => !ok);
  if (failed === undefined) return;
  throw failure(
    failed.code,
    `proof “${failed.name}” failed: ${failed.detail}`,
    `bring source and headers of exactly ${plan.kernel.release}${plan.kernel.packageVersion === null ? '' : ` (package version ${plan.kernel.packageVersion})`}; nothing was changed on the guest`,
    log === undefined ? {} : { log },
  );
}

/** Machines whose modules this one's compiler makes without being told how. */
const NATIVE: Readonly<Record<string, number>> = { x64: EM_X86_64 };

/** Throws E_ARCH_UNSUPPORTED where the guest's module is for another processor than this machine's. */
export async function requireNative(target: Target, plan: Plan): Promise<void> {
  const { bytes } = await readModule(target, plan.module?.path ?? '');
  const { machine } = readElf(bytes);
  if (NATIVE[process.arch] === machine) return;
  throw failure(
    'E_ARCH_UNSUPPORTED',
    `the guest’s module is for ELF machine ${machine}, and this machine (${process.arch}) does not compile for that`,
    'run mptfix on a machine of the guest’s own architecture',
  );
}

function sha256(latin1: string): string {
  return createHash('sha256').update(Buffer.from(latin1, 'latin1')).digest('hex');
}
