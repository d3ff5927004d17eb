import { satisfies } from 'semver';
import type { Argv } from '../machine/port.ts';

/** How one module is made against a prepared build folder, by the kernel's own rules of its time. */
export interface Recipe {
  /** Semver range of the tree's VERSION.PATCHLEVEL.SUBLEVEL. */
  readonly kernels: string;
  readonly make: (headers: string, folder: string) => Argv;
  readonly source: string;
}

export const RECIPES: readonly Recipe[] = [
  {
    kernels: '>=2.6.6',
    make: (headers, folder) => ['make', '-C', headers, `M=${folder}`, 'modules'],
    source: 'Documentation/kbuild/modules.txt: M= since 2.6.6',
  },
  {
    kernels: '>=2.6.0 <2.6.6',
    make: (headers, folder) => ['make', '-C', headers, `SUBDIRS=${folder}`, 'modules'],
    source: 'Documentation/kbuild/modules.txt of 2.6.0: SUBDIRS=, gone in 5.3',
  },
];

/** The recipe for a tree; undefined where none is known (2.4 has no modules of one folder). */
export function recipeFor(base: string): Recipe | undefined {
  return RECIPES.find(({ kernels }) => satisfies(threeParts(base), kernels));
}

/** semver wants three numbers: 6.1 is 6.1.0. */
function threeParts(base: string): string {
  return [...base.split('.'), '0', '0'].slice(0, 3).join('.');
}
