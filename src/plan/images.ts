import { failure } from '../errors.ts';
import { requireRunnable } from '../initramfs/runnable.ts';
import { INITRAMFS_TOOLS } from '../initramfs/tools.ts';
import { requireBootEntry } from '../install/boot-entry.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { typedShell } from '../typed.ts';
import type { Plan } from './document.ts';
import { notRoot } from './not-root.ts';

/** Throws E_BOOT_ENTRY as the installation would. */
export async function requireMenu(
  target: Target,
  { bootEntry, images, kernel: { release } }: Plan,
): Promise<void> {
  const image = images.find(({ action }) => action === 'rebuild');
  if (bootEntry && image !== undefined) await requireBootEntry(target, release, image.path);
}

/** An initramfs that holds the driver and cannot be rebuilt would bring the old driver back at the next boot. */
export function requireImages(target: Target, { images, kernel }: Plan): void {
  const rebuilt = images.find(({ action }) => action === 'rebuild');
  // Over ssh the guest builds it, as the user that logs in there.
  const { hasOurTools } = traitsOf(target);
  if (rebuilt !== undefined && hasOurTools && process.geteuid?.() !== 0)
    throw notRoot(target, `${rebuilt.path} must be rebuilt by the guest’s own tool`);
  const image = images.find(({ action }) => action === 'refuse');
  if (image === undefined) return;
  throw failure(
    'E_INITRAMFS_TOOL',
    `${image.path} ${image.detail}`,
    hasOurTools ? withoutImage(image.tool, kernel.release) : NOT_OVER_SSH,
  );
}

/** What rebuilds the images must start: else the installation fails in its midst, and is put back. */
export async function requireImageTools(target: Target, { images }: Plan): Promise<void> {
  for (const { tool, action } of images) {
    const known = INITRAMFS_TOOLS.find(({ name }) => action === 'rebuild' && name === tool);
    if (known !== undefined) await requireRunnable(target, known);
  }
}

/** There each image that holds the driver is built again, or nothing is done. */
const NOT_OVER_SSH =
  'see that the guest can build its image; or run mptfix on the guest itself, or on its mounted disk with --root, with --no-initramfs';

function withoutImage(tool: string | null, release: string): string {
  return tool === null
    ? `install the tool that builds the initramfs of ${release} on the guest; or give --no-initramfs, but then a reboot loads the old driver`
    : `give --no-initramfs, then run ${byHand(tool, release)} in the guest: until then a reboot loads the old driver`;
}

/** What is typed on the running guest, which mounts what it likes. */
function byHand(tool: string, release: string): string {
  const known = INITRAMFS_TOOLS.find(({ name }) => name === tool);
  return known === undefined ? 'its own tool' : typedShell(known.byHand(release));
}
