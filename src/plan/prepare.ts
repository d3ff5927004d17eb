import { type Assessment, assess } from '../assess/assess.ts';
import { generations } from '../install/generations.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { isCode } from '../machine/reads.ts';
import type { Plan } from './document.ts';
import { planImages } from './images.ts';
import { makePlan, type PlanRequest } from './plan.ts';

/** Reads the guest, decides, and plans: everything left of the first fetch. */
export async function prepare(target: Target, request: PlanRequest): Promise<Plan> {
  const assessment = await assess(target, request.kernel);
  const { kernel, module } = assessment.facts;
  const isAffected = assessment.verdict === 'affected' || assessment.verdict === 'unknown';
  const images =
    isAffected && module !== undefined
      ? await planImages(target, {
          release: kernel.release,
          module: module.name,
          rebuild: request.install.initramfs,
        })
      : [];
  return makePlan(assessment, request, {
    headers: await guestHeaders(target, kernel.release),
    images,
    patchedBy: await patchedBy(target, assessment),
  });
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
