import { resolve } from 'node:path';
import { type Assessment, assess } from '../assess/assess.ts';
import { generations } from '../install/generations.ts';
import type { Placement } from '../install/placement.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { isCode } from '../machine/reads.ts';
import { planImages } from './images.ts';
import { makePlan, type Plan } from './plan.ts';

export interface Wishes {
  readonly kernel?: string;
  readonly source?: string;
  readonly headers?: string;
  readonly offline: boolean;
  readonly wholeTree?: boolean;
  readonly full?: boolean;
  readonly config?: string;
  readonly makeVar?: readonly string[];
  readonly signKey?: string;
  readonly placement?: Placement;
  /** False with --no-initramfs. */
  readonly initramfs?: boolean;
  readonly bootEntry?: boolean;
}

/** Reads the guest, decides, and plans: everything left of the first fetch. */
export async function prepare(
  target: Target,
  wishes: Wishes,
): Promise<{ readonly assessment: Assessment; readonly plan: Plan }> {
  const assessment = await assess(target, wishes.kernel);
  const { kernel, module } = assessment.facts;
  const isAffected = assessment.verdict === 'affected' || assessment.verdict === 'unknown';
  const plan = makePlan(assessment, {
    source: wishes.source === undefined ? undefined : resolve(wishes.source),
    headers: wishes.headers === undefined ? undefined : resolve(wishes.headers),
    offline: wishes.offline,
    wholeTree: wishes.wholeTree ?? false,
    full: wishes.full ?? false,
    config: wishes.config,
    makeVars: wishes.makeVar ?? [],
    signKey: wishes.signKey,
    guestHeaders: await guestHeaders(target, assessment.facts.kernel.release),
    placement: wishes.placement ?? 'in-place',
    bootEntry: wishes.bootEntry ?? false,
    images:
      isAffected && module !== undefined
        ? await planImages(target, kernel.release, module.name, wishes.initramfs ?? true)
        : [],
    patchedBy: await patchedBy(target, assessment),
  });
  return { assessment, plan };
}

/** Where distros put a kernel's build folder; the link in the module folder is the kernel's own word for it. */
const BUILD_FOLDERS = [
  (release: string) => `${MODULES_FOLDER}/${release}/build`,
  (release: string) => `/usr/src/linux-headers-${release}`,
  (release: string) => `/usr/src/kernels/${release}`,
];

/** The guest's own build folder for a kernel; undefined where its headers are not installed. */
export async function guestHeaders(target: Target, release: string): Promise<string | undefined> {
  for (const folder of BUILD_FOLDERS.map((path) => path(release))) {
    if ((await target.stat(`${folder}/Makefile`)) !== undefined) return folder;
  }
  return undefined;
}

/** The generation whose module is the one on disk now. */
async function patchedBy(target: Target, { facts }: Assessment): Promise<number | undefined> {
  try {
    const known = await generations(target);
    const mine = known.findLast(
      ({ state, kernel }) => state === 'installed' && kernel === facts.kernel.release,
    );
    return mine?.manifest?.module.after.sha256 === facts.module?.sha256 ? mine?.number : undefined;
  } catch (error) {
    // The state is root's; a plan may be asked for by anybody, and the module itself tells enough.
    if (isCode(error, 'EACCES')) return undefined;
    throw error;
  }
}
