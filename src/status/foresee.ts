import { dirname } from 'node:path';
import type { Facts } from '../assess/assess.ts';
import { KMOD_PLACES } from '../guest/index/tools.ts';
import { packageSums } from '../guest/packaged-file.ts';
import { OTHER_IMAGES } from '../initramfs/tools.ts';
import { LIMITS } from '../limits.ts';
import { MODULES_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';

/** Asks a guest far away for what a status needs beside the facts, in one round trip. Does nothing for one that is near. */
export function foreseeStatus(
  target: Pick<Target, 'foresee' | 'findInside'>,
  { kernel: { release }, module }: Pick<Facts, 'kernel' | 'module'>,
): void {
  if (target.foresee === undefined) return;
  const sums = packageSums(release).map((path) => ({ path, limit: LIMITS.indexBytes }));
  const index = { path: `${MODULES_FOLDER}/${release}/modules.dep.bin`, limit: LIMITS.moduleIndexBytes };
  target.foresee({
    texts: [...sums, index],
    statuses: [...OTHER_IMAGES.map(({ path }) => path(release)), ...KMOD_PLACES],
    places: module === undefined ? [] : [module.path, dirname(module.path)],
  });
  // Whoever asks for it is told.
  target.findInside('modprobe').catch(() => {});
}
