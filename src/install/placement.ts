import { basename } from 'node:path';
import { failure } from '../errors.ts';
import { kmodOf } from '../guest/index/tools.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import type { Placement } from './placements.ts';

/** The path of the new module, and the folders that have to be made for it. */
export async function placeOf(
  target: Target,
  release: string,
  shipped: string,
  placement: Placement,
): Promise<{ readonly path: string; readonly makes: readonly string[] }> {
  if (placement === 'in-place') return { path: shipped, makes: [] };
  const folder = `${MODULES_FOLDER}/${release}/updates`;
  const isThere = (await target.stat(folder)) !== undefined;
  return { path: `${folder}/${basename(shipped)}`, makes: isThere ? [] : [folder] };
}

/** Throws E_PLACEMENT where the guest's own depmod, run later by a package, might prefer the other file. */
export async function requirePlacement(target: Target, placement: Placement): Promise<void> {
  if (placement === 'in-place') return;
  // That of kmod prefers updates/; that of old module-init-tools and of 2.4's modutils does not, or only without depmod.conf.
  if ((await kmodOf(target)) !== undefined) return;
  throw failure(
    'E_PLACEMENT',
    'the guest has no kmod, and the depmod of older tools does not prefer updates/',
    'leave out --placement: the module then replaces the package’s file, which is kept',
  );
}
