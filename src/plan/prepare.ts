import { type Assessment, assess } from '../assess/assess.ts';
import { mappedLoader, runAgain } from '../boot/mapped.ts';
import { isFailure } from '../errors.ts';
import { modulesInInitramfs } from '../initramfs/module.ts';
import { type InitramfsImage, initramfsImages } from '../initramfs/tools.ts';
import { generations } from '../install/generations.ts';
import { isCode } from '../machine/file-errors.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { Plan, PlannedImage } from './document.ts';
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
    bootLoader: await bootLoaderWords(target, images),
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

/** What remains to be done where a loader does not see that an image was replaced. */
async function bootLoaderWords(target: Target, images: readonly PlannedImage[]): Promise<string | undefined> {
  if (!images.some(({ action }) => action === 'rebuild')) return undefined;
  const loader = await mappedLoader(target);
  return loader === undefined ? undefined : runAgain(loader, true);
}

interface ImageRequest {
  readonly release: string;
  /** The driver's name. */
  readonly module: string;
  /** False with --no-initramfs. */
  readonly rebuild: boolean;
}

/**
 * Opens every initramfs of the kernel: at boot the driver is loaded from there, so that a new module on the disk alone
 * would change nothing. Reads only.
 */
async function planImages(target: Target, request: ImageRequest): Promise<readonly PlannedImage[]> {
  const { images, others } = await initramfsImages(target, request.release);
  const planned = await Promise.all(images.map((image) => planImage(target, request, image)));
  const unknown = others.map(
    ({ path, what }): PlannedImage => ({
      path,
      tool: null,
      action: 'warn',
      detail: `${what}: it is not rebuilt; where it holds ${request.module}, that stays the old one`,
    }),
  );
  return [...planned, ...unknown];
}

async function planImage(
  target: Target,
  { release, module, rebuild }: ImageRequest,
  { path, tool }: InitramfsImage,
): Promise<PlannedImage> {
  const found = await lookInto(target, path, release, module);
  const image = { path, tool: tool?.name ?? null };
  if (found === 'absent') return { ...image, action: 'leave', detail: `does not hold ${module}` };
  const held = typeof found === 'string' ? `holds ${module}` : `cannot be read (${found.problem})`;
  if (!rebuild) {
    const byHand = tool?.byHand(release).join(' ') ?? 'with the guest’s own tool';
    return {
      ...image,
      action: 'warn',
      detail: `${held}; with --no-initramfs it stays, and a reboot would load the old driver until it is rebuilt (${byHand})`,
    };
  }
  if (typeof found !== 'string') return { ...image, action: 'refuse', detail: held };
  if (tool === undefined)
    return { ...image, action: 'refuse', detail: `${held}, and the guest has no tool that rebuilds it` };
  if (found === 'held in ext2' && !traitsOf(target).isRunning) {
    const why = `${tool.program} makes such by mounting a loop device, which no program of a tree may do`;
    return { ...image, action: 'refuse', detail: `${held}, and is an ext2 file system: ${why}` };
  }
  return { ...image, action: 'rebuild', detail: held };
}

async function lookInto(
  target: Target,
  path: string,
  release: string,
  name: string,
): Promise<'held' | 'held in ext2' | 'absent' | { readonly problem: string }> {
  try {
    const { module, image } = await modulesInInitramfs(target, path, release, name);
    if (module === undefined) return 'absent';
    return image.segments.some(({ format }) => format === 'ext2') ? 'held in ext2' : 'held';
  } catch (error) {
    return { problem: isFailure(error) ? error.failure.what : String(error) };
  }
}
