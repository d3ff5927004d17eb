import { isFailure } from '../errors.ts';
import { moduleInInitramfs } from '../initramfs/module.ts';
import { type InitramfsImage, initramfsImages } from '../initramfs/tools.ts';
import type { Target } from '../machine/port.ts';
import type { PlannedImage } from './document.ts';

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
export async function planImages(target: Target, request: ImageRequest): Promise<readonly PlannedImage[]> {
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
  const held = found === 'held' ? `holds ${module}` : `cannot be read (${found.problem})`;
  if (!rebuild) {
    return {
      ...image,
      action: 'warn',
      detail: `${held}; with --no-initramfs it stays, and a reboot would load the old driver until it is rebuilt (${tool?.byHand(release) ?? 'with the guest’s own tool'})`,
    };
  }
  if (found !== 'held') return { ...image, action: 'refuse', detail: held };
  if (tool === undefined)
    return { ...image, action: 'refuse', detail: `${held}, and the guest has no tool that rebuilds it` };
  return { ...image, action: 'rebuild', detail: held };
}

async function lookInto(
  target: Target,
  path: string,
  release: string,
  module: string,
): Promise<'held' | 'absent' | { readonly problem: string }> {
  try {
    return (await moduleInInitramfs(target, path, release, module)) === 'absent' ? 'absent' : 'held';
  } catch (error) {
    return { problem: isFailure(error) ? error.failure.what : String(error) };
  }
}
