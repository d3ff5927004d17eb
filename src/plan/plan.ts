import type { Assessment } from '../assess/assess.ts';
import type { BuildOptions } from '../build-options.ts';
import { failure } from '../errors.ts';
import { kernelIdentity } from '../guest/kernel.ts';
import { moduleIdentity } from '../guest/module-file.ts';
import { type Origin, originText } from '../kernel-source/provider.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import { traitsOf } from '../machine/kinds.ts';
import { toolVersion } from '../package-root.ts';
import { typed } from '../typed.ts';
import type { Plan, PlannedImage, PlanStep } from './document.ts';
import { planOrigins } from './origins.ts';

/** What a user chooses of how the module is installed. */
export type InstallOptions = Pick<Plan, 'placement' | 'initramfs' | 'bootEntry'>;

/** What a plan is asked for with. */
export interface PlanRequest {
  /** `--kernel`. */
  readonly kernel: string | undefined;
  readonly build: BuildOptions;
  readonly install: InstallOptions;
}

/** What of the guest decides beside the assessment. */
export interface GuestState {
  /** Its own build folder, if it is there. */
  readonly headers: string | undefined;
  readonly images: readonly PlannedImage[];
  /** What of the boot loader a person must know where an image is rebuilt. */
  readonly bootLoader: string | undefined;
  /** A generation of ours is in force for this kernel. */
  readonly patchedBy: number | undefined;
}

/** Decides what would be done. Throws what makes it impossible; writes and fetches nothing. */
export function makePlan(assessment: Assessment, request: PlanRequest, guest: GuestState): Plan {
  const { facts, verdict } = assessment;
  const { build, install } = request;
  const { source: _, headers: _headers, ...choices } = build;
  const about = {
    schema: 'mptfix.plan/1',
    tool: `mptfix ${toolVersion()}`,
    target: facts.target.name,
    root: traitsOf(facts.target).isRunning ? null : facts.target.name,
    verdict,
    kernel: kernelIdentity(facts),
    module: facts.module === undefined ? null : moduleIdentity(facts.module),
    build: {
      ...choices,
      config: choices.config ?? null,
      symvers: choices.symvers ?? null,
      toolchain: choices.toolchain ?? null,
      sign: choices.sign ?? null,
    },
    placement: install.placement,
    initramfs: install.initramfs,
    bootEntry: install.bootEntry,
  } as const;
  const idle = nothingToDo(assessment, guest.patchedBy);
  if (idle !== undefined) {
    const nothing = { source: null, headers: null, images: [], steps: [], warnings: [] };
    return { ...about, needed: false, reason: idle, ...nothing };
  }
  const origins = planOrigins(assessment, build, guest.headers);
  return {
    ...about,
    needed: true,
    reason: `the driver of ${facts.kernel.release} turns BUSY into an I/O error`,
    ...origins,
    images: guest.images,
    steps: [...buildSteps(assessment, origins, build), ...installSteps(assessment, guest.images, install)],
    warnings: warnings(assessment, guest),
  };
}

function nothingToDo({ verdict, facts }: Assessment, patchedBy: number | undefined): string | undefined {
  const { module, kernel, builtIn } = facts;
  // Of a fleet many guests have no such driver: that is an answer, and no error.
  if (verdict === 'absent')
    return `nothing to do: the kernel ${kernel.release} has no module mptscsih (nor mptscsi)`;
  if (verdict === 'fixed' && patchedBy !== undefined)
    return `already patched: generation ${patchedBy} of mptfix is installed`;
  if (verdict === 'fixed') return `nothing to do: the driver of ${kernel.release} does not have the branch`;
  if (verdict === 'never') return `nothing to do: the driver of ${kernel.release} never had the branch`;
  if (kernel.base !== undefined && isCheckOnly(kernel.base)) {
    throw failure(
      'E_KERNEL_CHECK_ONLY',
      `${kernel.release} is a kernel 2.4, which mptfix checks and does not patch: no such kernel of kernel.org or of a distro had the branch`,
      'look at the source that this module was built from; its builder can build it again without the branch',
    );
  }
  if (module !== undefined) return undefined;
  throw failure(
    'E_MODULE_MISSING',
    builtIn
      ? `the kernel ${kernel.release} has the driver built in: there is no module to replace`
      : `the module mptscsih (or mptscsi) of the kernel ${kernel.release} was not found`,
    builtIn
      ? 'build and install a whole kernel with the patch from patches/; mptfix only replaces modules'
      : `${typed('check')} lists what is known; give --kernel RELEASE for another kernel`,
  );
}

/** Kernels whose build makes no module of one folder. */
function isCheckOnly(base: string): boolean {
  return /^(?:[01]\.|2\.[0-4]\.)/.test(base);
}

function buildSteps(
  { facts }: Assessment,
  { source, headers }: { readonly source: Origin; readonly headers: Origin },
  { wholeTree, full, config, toolchain, makeVars, sign }: BuildOptions,
): readonly PlanStep[] {
  const work = (what: string): PlanStep => ({ effect: 'write', where: 'work folder', what });
  return [
    work(`get the driver from ${originText(source)}`),
    work(
      wholeTree
        ? `configure the whole source as ${config ?? 'the guest’s kernel'}: make oldconfig, make modules_prepare`
        : `get the build folder from ${originText(headers)}`,
    ),
    work('patch one branch, and show the difference'),
    work(
      `${full ? 'build all modules of the tree' : `compile ${facts.module?.name ?? ''}.ko`}${makeVars.length === 0 ? '' : ` (${makeVars.join(' ')})`} as an unprivileged user with ${toolchainText(toolchain)}, and prove that it belongs to ${facts.kernel.release}`,
    ),
    ...(sign === undefined ? [] : [work(`sign it with ${sign.key}`)]),
  ];
}

/** Whose compiler it is, as --toolchain says it. */
function toolchainText(toolchain: string | undefined): string {
  if (toolchain === undefined || toolchain === 'machine') return 'this machine’s compiler';
  if (toolchain.startsWith('image:'))
    return `the compiler of the container image ${toolchain.slice('image:'.length)}`;
  return toolchain === 'guest' ? 'the guest’s own compiler' : `the compiler in ${toolchain}`;
}

function installSteps(
  { facts }: Assessment,
  images: readonly PlannedImage[],
  { placement, bootEntry }: InstallOptions,
): readonly PlanStep[] {
  const module = facts.module?.path ?? '';
  const { release } = facts.kernel;
  const rebuilt = images.filter(({ action }) => action === 'rebuild');
  const guest = (what: string): PlanStep => ({ effect: 'write', where: 'guest', what });
  return [
    guest(`keep ${module} and the module index in /var/lib/mptfix`),
    guest(
      placement === 'in-place'
        ? `replace ${module}`
        : `put the new module into ${MODULES_FOLDER}/${release}/updates`,
    ),
    guest(`depmod for ${release}, unless its module index fits the new module as it is`),
    ...rebuilt.flatMap(({ path, tool }) => [
      guest(`keep ${path} beside itself`),
      guest(`rebuild ${path} with ${tool}, see that it holds the new module, then rename it into its place`),
    ]),
    ...(bootEntry && rebuilt.length > 0 ? [guest('add the kept initramfs to the boot menu')] : []),
  ];
}

function warnings({ facts, verdict }: Assessment, { images, bootLoader }: GuestState): readonly string[] {
  const all = images
    .filter(({ action }) => action === 'warn')
    .map(({ path, detail }) => `${path}: ${detail}`);
  if (bootLoader !== undefined) all.push(bootLoader);
  if (verdict === 'unknown')
    all.push('neither the module nor the tables decide: the source will, before anything is changed');
  if (facts.use.inUse === false) all.push('no disk uses this driver here: the change will have no effect');
  if (facts.kernel.running === true)
    all.push('the running kernel keeps the old driver until the next reboot');
  return all;
}
