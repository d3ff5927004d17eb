import { isFailure } from '../errors.ts';
import { moduleInInitramfs } from '../initramfs/module.ts';
import { type InitramfsImage, initramfsImages } from '../initramfs/tools.ts';
import type { Target } from '../machine/port.ts';

/** An initramfs of the kernel, and what becomes of it. */
export interface PlannedImage {
  readonly path: string;
  /** What builds it on this guest; null where nothing is known to. */
  readonly tool: string | null;
  /**
   * `rebuild`: it holds the driver and is built anew. `leave`: it does not hold the driver. `warn`: it holds the
   * driver, and is left by the user's wish. `refuse`: nothing can be installed while it is as it is.
   */
  readonly action: 'rebuild' | 'leave' | 'warn' | 'refuse';
  readonly detail: string;
}

/**
 * Opens every initramfs of the kernel: at boot the driver is loaded from there, so that a new module on the disk alone
 * would change nothing. Reads only.
 */
export async function planImages(
  target: Target,
  release: string,
  module: string,
  isWanted: boolean,
): Promise<readonly PlannedImage[]> {
  const { images, others } = await initramfsImages(target, release);
  const planned = await Promise.all(
    images.map((image) => planImage(target, release, module, image, isWanted)),
  );
  const told = others.map(
    ({ path, what }): PlannedImage => ({
      path,
      tool: null,
      action: 'warn',
      detail: `${what}: it is not built anew; where it holds ${module}, that stays the old one`,
    }),
  );
  return [...planned, ...told];
}

async function planImage(
  target: Target,
  release: string,
  module: string,
  { path, tool }: InitramfsImage,
  isWanted: boolean,
): Promise<PlannedImage> {
  const found = await lookInto(target, path, release, module);
  const told = { path, tool: tool?.name ?? null };
  if (found === 'absent') return { ...told, action: 'leave', detail: `does not hold ${module}` };
  const held = found === 'held' ? `holds ${module}` : `cannot be read (${found.problem})`;
  if (!isWanted) {
    return {
      ...told,
      action: 'warn',
      detail: `${held}; with --no-initramfs it stays, and a reboot would load the old driver until it is built anew (${tool?.byHand(release) ?? 'with the guest’s own tool'})`,
    };
  }
  if (found !== 'held') return { ...told, action: 'refuse', detail: held };
  if (tool === undefined)
    return { ...told, action: 'refuse', detail: `${held}, and the guest has no tool that builds it anew` };
  return { ...told, action: 'rebuild', detail: held };
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
