import type { Assessment } from '../assess/assess.ts';
import { failure } from '../errors.ts';
import type { Placement } from '../install/placement.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import type { PlannedImage } from './images.ts';
import { type Origin, originText, planOrigins } from './origins.ts';

/** Pure data: what `plan` and `--dry-run` print, and what `apply` then does. */
export interface Plan {
  readonly schema: 'mptfix.plan/1';
  readonly target: string;
  readonly verdict: Assessment['verdict'];
  readonly kernel: {
    readonly release: string;
    readonly base: string | null;
    readonly distro: string;
    readonly packageVersion: string | null;
  };
  /** False: nothing is to be done, and `reason` says why. */
  readonly needed: boolean;
  readonly reason: string;
  readonly module: { readonly name: string; readonly path: string; readonly sha256: string } | null;
  readonly source: Origin | null;
  readonly headers: Origin | null;
  readonly placement: Placement;
  /** Every initramfs of this kernel, and what becomes of it. */
  readonly images: readonly PlannedImage[];
  /** The boot menu shall offer the old images. */
  readonly bootEntry: boolean;
  readonly steps: readonly PlanStep[];
  readonly warnings: readonly string[];
}

export interface PlanStep {
  readonly effect: 'read' | 'write';
  /** Where it happens: on the guest, or in the private work folder. */
  readonly where: 'guest' | 'work folder';
  readonly what: string;
}

export interface PlanWishes {
  /** `--source`, made absolute. */
  readonly source: string | undefined;
  /** `--headers`, made absolute. */
  readonly headers: string | undefined;
  /** `--offline`: nothing is fetched. */
  readonly offline: boolean;
  /** `--whole-tree`: headers are welcome for their configuration, and not needed. */
  readonly wholeTree: boolean;
  /** `--full`: all modules of that tree are made. */
  readonly full: boolean;
  /** `--config`: the guest's .config, for the whole tree. */
  readonly config: string | undefined;
  /** `--make-var`. */
  readonly makeVars: readonly string[];
  /** `--sign-key`: the module is signed. */
  readonly signKey: string | undefined;
  /** What of the guest's own could serve: its build folder, if it is there. */
  readonly guestHeaders: string | undefined;
  readonly placement: Placement;
  readonly images: readonly PlannedImage[];
  readonly bootEntry: boolean;
  /** A generation of ours is in force for this kernel. */
  readonly patchedBy: number | undefined;
}

/** Decides what would be done. Throws what makes it impossible; writes and fetches nothing. */
export function makePlan(assessment: Assessment, wishes: PlanWishes): Plan {
  const { facts, verdict } = assessment;
  const base: Omit<Plan, 'needed' | 'reason' | 'source' | 'headers' | 'images' | 'steps' | 'warnings'> = {
    schema: 'mptfix.plan/1',
    target: facts.target.name,
    verdict,
    kernel: {
      release: facts.kernel.release,
      base: facts.kernel.base ?? null,
      distro: facts.distro.pretty,
      packageVersion: facts.kernel.packageVersion ?? null,
    },
    module:
      facts.module === undefined
        ? null
        : { name: facts.module.name, path: facts.module.path, sha256: facts.module.sha256 },
    placement: wishes.placement,
    bootEntry: wishes.bootEntry,
  };
  const idle = nothingToDo(assessment, wishes.patchedBy);
  if (idle !== undefined) {
    const nothing = { source: null, headers: null, images: [], steps: [], warnings: [] };
    return { ...base, needed: false, reason: idle, ...nothing };
  }
  const { source, headers } = planOrigins(assessment, wishes);
  return {
    ...base,
    needed: true,
    reason: `the driver of ${facts.kernel.release} turns BUSY into an I/O error`,
    source,
    headers,
    images: wishes.images,
    steps: steps(assessment, source, headers, wishes),
    warnings: warnings(assessment, wishes.images),
  };
}

function nothingToDo({ verdict, facts }: Assessment, patchedBy: number | undefined): string | undefined {
  const { module, kernel, builtIn } = facts;
  if (module === undefined) {
    throw failure(
      'E_MODULE_MISSING',
      builtIn
        ? `the kernel ${kernel.release} has the driver built in: there is no module to replace`
        : `the kernel ${kernel.release} has no module mptscsih (nor mptscsi)`,
      builtIn
        ? 'build and install a whole kernel with the patch of patches/; mptfix replaces modules only'
        : 'this guest has no disk on that driver; if another kernel is meant, say --kernel RELEASE',
    );
  }
  if (verdict === 'fixed' && patchedBy !== undefined)
    return `already patched: generation ${patchedBy} of mptfix is in force`;
  if (verdict === 'fixed')
    return `nothing to do: the driver of ${kernel.release} is fixed as its distro ships it`;
  if (verdict === 'never') return `nothing to do: the driver of ${kernel.release} never had the branch`;
  return undefined;
}

function steps(
  { facts }: Assessment,
  source: Origin,
  headers: Origin,
  { placement, images, bootEntry, wholeTree, full, config, makeVars, signKey }: PlanWishes,
): readonly PlanStep[] {
  const module = facts.module?.path ?? '';
  const rebuilt = images.filter(({ action }) => action === 'rebuild');
  const release = facts.kernel.release;
  const work = (what: string): PlanStep => ({ effect: 'write', where: 'work folder', what });
  const guest = (what: string): PlanStep => ({ effect: 'write', where: 'guest', what });
  return [
    work(`take the driver from ${originText(source)}`),
    work(
      wholeTree
        ? `configure the whole source as ${config ?? 'the guest’s kernel'}: make oldconfig, make modules_prepare`
        : `take the build folder from ${originText(headers)}`,
    ),
    work('patch one branch, and show the difference'),
    work(
      `${full ? 'make all modules of the tree' : `compile ${facts.module?.name ?? ''}.ko`}${makeVars.length === 0 ? '' : ` (${makeVars.join(' ')})`} as an unprivileged user, and prove that it belongs to ${release}`,
    ),
    ...(signKey === undefined ? [] : [work(`sign it with ${signKey}`)]),
    guest(`keep ${module} and the module index in /var/lib/mptfix`),
    guest(
      placement === 'in-place'
        ? `replace ${module}`
        : `put the new module into ${MODULES_FOLDER}/${release}/updates`,
    ),
    guest(`depmod for ${release}`),
    ...rebuilt.flatMap(({ path, tool }) => [
      guest(`keep ${path} beside itself`),
      guest(
        `build ${path} anew with ${tool}, see that it holds the new module, then rename it into its place`,
      ),
    ]),
    ...(bootEntry && rebuilt.length > 0 ? [guest('enter the kept initramfs into the boot menu')] : []),
  ];
}

function warnings({ facts, verdict }: Assessment, images: readonly PlannedImage[]): readonly string[] {
  const all = images
    .filter(({ action }) => action === 'warn')
    .map(({ path, detail }) => `${path}: ${detail}`);
  if (verdict === 'unknown')
    all.push('neither module nor table decide: the source will, before anything is changed');
  if (facts.use.inUse === false)
    all.push('no disk hangs on this driver here: the change will have no effect');
  if (facts.kernel.running === true)
    all.push('the running kernel keeps the old driver until the next reboot');
  return all;
}
