import { type Compiled, compileModule } from '../build/compile.ts';
import { kernelCompiler } from '../build/compiler.ts';
import { DEPENDENTS, dependsOf, proveDependencies, type SandboxModule } from '../build/dependencies.ts';
import type { ProofResult } from '../build/proof.ts';
import { proveModule, proveVersions } from '../build/proofs.ts';
import { compilerOf } from '../build/provenance.ts';
import { makePatch } from '../driver/patch/make.ts';
import { compressModule } from '../elf/compression.ts';
import { EM_X86_64, readElf } from '../elf/elf.ts';
import { modinfo, modinfoField } from '../elf/modinfo.ts';
import { failure } from '../errors.ts';
import { moduleFile } from '../facts/module-file.ts';
import type { ArtifactInfo } from '../install/manifest.ts';
import type { Progress } from '../progress.ts';
import type { DriverFiles } from '../source/driver-files.ts';
import type { Headers } from '../source/headers.ts';
import { treeVersion } from '../source/makefile-version.ts';
import { requireTools, TOOLS } from '../target/tools.ts';
import type { Workspace } from '../target/workspace.ts';
import { type Job, type Making, sha256 } from './job.ts';
import { originText } from './plan.ts';
import { filterTool, readModule } from './read-module.ts';

/** A driver's source with the branch removed, and the proof that nothing else changed. */
export interface Patched {
  readonly file: string;
  readonly before: Buffer;
  readonly after: Buffer;
  readonly patch: ArtifactInfo['patch'];
}

/** Refuses before the compiler is started what cannot come to a good end. */
export function requireSameVersion(job: Job, source: DriverFiles, headers: Headers): ProofResult {
  const proof = proveVersions({
    source: source.makefile === undefined ? undefined : treeVersion(source.makefile)?.base,
    headers: headers.version.base,
    headersRelease: headers.release,
    release: job.kernel.release,
  });
  requireProofs([proof], job);
  return proof;
}

/** Removes the branch. Throws E_PATCH_… where the source does not have it, or it is not certain where it is. */
export function patchSource(job: Job, source: DriverFiles, headers: Headers): Patched {
  const file = job.module.name === 'mptscsi' ? 'mptscsi.c' : 'mptscsih.c';
  const before = source.files.get(file);
  if (before === undefined) {
    throw failure(
      'E_DRIVER_NOT_IN_SOURCE',
      `${originText(job.source)} has no ${file}, from which the guest's module ${job.module.name} is made`,
      'give --source the source of exactly this kernel',
    );
  }
  // latin1: every byte of a source of 2001 comes back as it was, whatever its encoding.
  const result = makePatch({ text: before.toString('latin1'), file, base: headers.version.base });
  if (result.kind === 'nothing' && !job.expectBranch) return { file, before, after: before, patch: null };
  if (result.kind === 'nothing') {
    throw failure(
      'E_PATCH_NO_BRANCH',
      `the guest's module has the branch and the source has not (${result.detail}): the source is not what the module was built from`,
      `give --source the source of exactly ${job.kernel.packageVersion ?? job.kernel.release}`,
    );
  }
  const { name, origin, lines, diff, patched } = result;
  return {
    file,
    before,
    after: Buffer.from(patched, 'latin1'),
    patch: { name, origin, firstLine: lines.first, lastLine: lines.last, diff },
  };
}

/** Both builds: what is installed, and what proves that source, headers and compiler are the right ones. */
export interface Builds {
  readonly patched: Compiled;
  readonly unchanged: Compiled;
}

/** Compiles the patched and the unchanged driver side by side, in the same way. */
export async function compileBoth(
  job: Job,
  making: Making,
  made: { readonly source: DriverFiles; readonly patched: Patched; readonly headers: Headers },
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
): Promise<Builds> {
  await requireTools(workspace.machine, [TOOLS.make, TOOLS.strip, ...compilerTools(made.headers, making)]);
  const build = (label: 'patched' | 'unchanged', content: Buffer): Promise<Compiled> =>
    compileModule({
      workspace,
      headers: made.headers,
      files: new Map<string, Uint8Array>(made.source.files).set(made.patched.file, content),
      module: job.module.name,
      label,
      makeVars: making.makeVars,
      progress,
      signal,
    });
  const unpatched = build('unchanged', made.patched.before);
  // Both are awaited whatever happens: no compiler may outlive the work folder.
  const settled = await Promise.allSettled([
    made.patched.patch === null ? unpatched : build('patched', made.patched.after),
    unpatched,
  ]);
  const [patched, unchanged] = settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
  if (patched === undefined || unchanged === undefined) throw new Error('two builds were started');
  return { patched, unchanged };
}

/** Who names the compiler with CC= answers for it. */
function compilerTools(headers: Headers, { makeVars }: Making): ReturnType<typeof kernelCompiler>[] {
  return makeVars.some((word) => word.startsWith('CC=')) ? [] : [kernelCompiler(headers.config)];
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
  readonly versions: ProofResult;
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
    made.versions,
    ...proveModule({
      built,
      baseline: readElf(builds.unchanged.bytes),
      shipped: readElf(job.shipped.bytes),
      symvers: (await machine.readText(symversFile)) ?? '',
      path: job.module.path,
      isPatched: patched.patch !== null,
    }),
    ...(await dependencyProof(job, builds.patched.bytes, symversFile, workspace)),
  ].map((proof) => waive(proof, making));
  requireProofs(proofs, job, await keptLog(workspace, proofs, builds));
  const bytes = await compressModule(builds.patched.bytes, job.shipped.format, filterTool(machine));
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
      proofs: proofs.map(({ name, ok, detail, waived }) => ({ name, ok, detail, waived: waived ?? false })),
    },
  };
}

/** Only that the source is the module's own may be taken on trust, and only where the user says so. */
function waive(proof: ProofResult, { allowUnproven }: Making): ProofResult {
  return proof.name === 'provenance' && !proof.ok && allowUnproven ? { ...proof, waived: true } : proof;
}

/** Left out where only a module file is at hand: there is no tree of modules to link with. */
async function dependencyProof(
  { guest, kernel, module }: Job,
  bytes: Uint8Array,
  symversFile: string,
  workspace: Workspace,
): Promise<readonly ProofResult[]> {
  if (guest === undefined) return [];
  await requireTools(workspace.machine, [TOOLS.depmod]);
  const modules = new Map<string, SandboxModule>([[module.name, { name: module.name, bytes }]]);
  const queue = [...dependsOf(bytes), ...DEPENDENTS];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (modules.has(name)) continue;
    const file = await moduleFile(guest, kernel.release, [name]);
    if (file === undefined) continue;
    const content = await readModule(guest, file.path);
    modules.set(name, { name, bytes: content.bytes });
    queue.push(...dependsOf(content.bytes));
  }
  const folder = workspace.at('sandbox');
  return [
    await proveDependencies(workspace.machine, folder, kernel.release, [...modules.values()], symversFile),
  ];
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
  const unproven = failed.name === 'provenance' ? '; --allow-unproven goes on all the same' : '';
  throw failure(
    failed.code,
    `proof “${failed.name}” failed: ${failed.detail}`,
    `bring source, headers and compiler of exactly ${kernel.release}${version}${unproven}; nothing was changed on the guest`,
    log === undefined ? {} : { log },
  );
}

/** Machines whose modules this one's compiler makes without being told how. */
const NATIVE: Readonly<Record<string, number>> = { x64: EM_X86_64 };

/** Throws E_ARCH_UNSUPPORTED where the module is for another processor, and no --make-var says how to build for it. */
export function requireNative(job: Job, { makeVars }: Making): void {
  const { machine } = readElf(job.shipped.bytes);
  if (NATIVE[process.arch] === machine || makeVars.some((word) => /^(ARCH|CROSS_COMPILE)=/.test(word)))
    return;
  throw failure(
    'E_ARCH_UNSUPPORTED',
    `the guest’s module is for ELF machine ${machine}, and this machine (${process.arch}) does not compile for that`,
    'run mptfix on a machine of the guest’s own architecture, or give --make-var ARCH=… and --make-var CROSS_COMPILE=…',
  );
}
