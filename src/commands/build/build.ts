import { resolve } from 'node:path';
import { assess } from '../../assess/assess.ts';
import { requireBuildable } from '../../build/architecture.ts';
import type { Job, Phase } from '../../build/job.ts';
import type { BuildOptions } from '../../build-options.ts';
import { openSigner, type Sign } from '../../bundle/signature.ts';
import { scanModule } from '../../driver/module/scan.ts';
import { readElf } from '../../elf/elf.ts';
import { modinfo, modinfoField } from '../../elf/module-data.ts';
import { failure } from '../../errors.ts';
import { kernelIdentity } from '../../guest/kernel.ts';
import { moduleIdentity, readModule } from '../../guest/module-file.ts';
import { sha256 } from '../../hash.ts';
import { LIMITS } from '../../limits.ts';
import { trustContainer } from '../../machine/contained.ts';
import { makeFolders } from '../../machine/folders.ts';
import { localTarget } from '../../machine/tree.ts';
import { planOrigins } from '../../plan/origins.ts';
import { guestHeaders } from '../../plan/prepare.ts';
import { printResult } from '../../ui/output.ts';
import { kernelBase } from '../../versions/kernel-base.ts';
import { type BuildFlags, buildOptions, type WorkFlags } from '../shared/build-options.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type CommonOptions, openTarget } from '../shared/options.ts';
import { prepare, produce } from '../shared/produce.ts';
import { buildPage } from './page.ts';
import { writeOutput } from './write.ts';

export interface BuildCommandOptions extends CommonOptions, BuildFlags, WorkFlags {
  readonly module?: string;
  readonly output: string;
  /** The ssh key that signs the bundle. */
  readonly signBundle?: string;
  /** Writes the folder that compile.sh takes, and stops. */
  readonly onlyPrepare?: boolean;
  /** The folder with what compile.sh has left. */
  readonly compiled?: string;
  /** This process runs in a container that is being built. */
  readonly contained?: boolean;
}

/** `mptfix build`: a proven module into a folder. Needs no root; no guest is written to. */
export async function build(flags: BuildCommandOptions, signal: AbortSignal): Promise<number> {
  const options = buildOptions(flags);
  const phase = phaseOf(flags, options);
  if (flags.contained === true) trustContainer();
  if (flags.module === undefined) await reportInterrupted(flags);
  const job = await buildJob(flags, options);
  requireBuildable(job, options);
  const output = resolve(flags.output);
  const sign = await signerOf(flags, phase, signal);
  await requireFolder(output);
  if (phase?.kind === 'prepare') {
    const { id } = await prepare({ job, options, signal }, flags, output);
    printResult(flags, { schema: 'mptfix.build-prepared/1', output, id }, `prepared: ${output}`);
    return 0;
  }
  const artifact = await produce({ job, options, signal, phase }, flags, (production) => production);
  const result = await writeOutput(output, job, artifact, sign);
  printResult(flags, result, buildPage(result));
  return 0;
}

/** For Dockerfile.build, whose stages are separate runs; undefined for a build in one run. Throws E_USAGE. */
function phaseOf(
  { onlyPrepare = false, compiled, contained = false }: BuildCommandOptions,
  { toolchain }: BuildOptions,
): Phase | undefined {
  if (!onlyPrepare && compiled === undefined) {
    if (!contained) return undefined;
    // make would run without a sandbox.
    throw failure(
      'E_USAGE',
      '--contained is for the stages of Dockerfile.build, which run no compiler',
      'leave it out, or give --only-prepare or --compiled',
    );
  }
  if ((onlyPrepare && compiled !== undefined) || toolchain?.startsWith('image:') !== true) {
    throw failure(
      'E_USAGE',
      '--only-prepare and --compiled are the two halves of a build in an image, each with --toolchain image:NAME',
      'give one of them, and --toolchain image:NAME',
    );
  }
  return compiled === undefined ? { kind: 'prepare' } : { kind: 'prove', results: resolve(compiled) };
}

/** A key that cannot sign is found out before minutes of work, too. Throws E_USAGE, E_SIGN_KEY, E_TOOLS_MISSING. */
async function signerOf(
  { signBundle }: BuildCommandOptions,
  phase: Phase | undefined,
  signal: AbortSignal,
): Promise<Sign | undefined> {
  if (signBundle === undefined) return undefined;
  if (phase?.kind === 'prepare')
    throw failure('E_USAGE', '--only-prepare makes no bundle to sign', 'give --sign-bundle to --compiled');
  return openSigner(localTarget({ dryRun: true }), resolve(signBundle), signal);
}

/** Found out before minutes of work. */
async function requireFolder(output: string): Promise<void> {
  const machine = localTarget({ dryRun: false });
  const next = 'give --output a folder that you may write to';
  try {
    await makeFolders(machine, output);
  } catch (cause) {
    throw failure('E_OUTPUT', `cannot make ${output}: ${(cause as Error).message}`, next, { cause });
  }
  const answer = await machine.writable(output);
  if (answer !== 'yes') throw failure('E_OUTPUT', `${output} may not be written to (${answer})`, next);
}

/** What `build` is for: a guest, or with `--module` a file alone. */
type BuildTarget = Pick<CommonOptions, 'root' | 'kernel'> & { readonly module?: string };

/** What `build` is to make: for a guest's tree, this machine, or a module file alone. Writes nothing. */
export async function buildJob(target: BuildTarget, options: BuildOptions): Promise<Job> {
  if (target.module === undefined) return fromGuest(target, options);
  if (target.root === undefined) return fromModule(resolve(target.module), target.kernel, options);
  throw failure('E_USAGE', '--root and --module both name the module to replace', 'give one of them');
}

async function fromGuest(target: BuildTarget, options: BuildOptions): Promise<Job> {
  const guest = openTarget(target, true);
  const assessment = await assess(guest, target.kernel);
  const { kernel, module } = assessment.facts;
  if (module === undefined) {
    throw failure(
      'E_MODULE_MISSING',
      `the kernel ${kernel.release} has no module mptscsih (nor mptscsi)`,
      'for another kernel give --kernel RELEASE; for a module file alone give --module',
    );
  }
  const origins = planOrigins(assessment, options, await guestHeaders(guest, kernel.release));
  const shipped = await readModule(guest, module.path);
  return {
    kernel: kernelIdentity(assessment.facts),
    module: moduleIdentity(module),
    shipped,
    expectBranch: scanModule(shipped.bytes, module.path).verdict !== 'branch-absent',
    guest,
    ...origins,
  };
}

/** A module's own vermagic starts with the release that it was built for. */
async function fromModule(
  path: string,
  kernel: string | undefined,
  { source, headers, wholeTree }: BuildOptions,
): Promise<Job> {
  const machine = localTarget({ dryRun: true });
  if ((await machine.stat(path))?.type !== 'file') {
    throw failure(
      'E_MODULE_MISSING',
      `there is no file ${path}`,
      'give --module the module that the distro shipped',
    );
  }
  if (source === undefined || (headers === undefined && !wholeTree)) {
    const missing = source === undefined ? '--source' : '--headers';
    throw failure(
      'E_USAGE',
      `with --module alone mptfix cannot know where ${missing} would come from`,
      `give ${missing} too`,
    );
  }
  const shipped = await readModule(machine, path);
  const scan = scanModule(shipped.bytes, path);
  const vermagic = modinfoField(modinfo(readElf(shipped.bytes)), 'vermagic') ?? '';
  const release = kernel ?? vermagic.split(' ')[0] ?? '';
  return {
    kernel: { release, base: kernelBase(release)?.base ?? null, distro: 'not known', packageVersion: null },
    module: {
      name: scan.name ?? 'mptscsih',
      path,
      sha256: sha256(await machine.read(path, LIMITS.moduleBytes)),
    },
    shipped,
    expectBranch: scan.verdict !== 'branch-absent',
    source: { kind: 'local', path: source },
    headers: headers === undefined ? { kind: 'tree' } : { kind: 'local', path: headers },
    guest: undefined,
  };
}
