import { satisfies } from 'semver';
import { failure } from '../errors.ts';
import type { Argv } from '../machine/program.ts';
import { threeParts } from './toolchain/compilers-by-era.ts';

/** How one module is made against a prepared build folder, by the kernel's own rules of its time. */
export interface Recipe {
  /** Semver range of the tree's VERSION.PATCHLEVEL.SUBLEVEL. */
  readonly kernels: string;
  /** The variable by which make is told of the folder. */
  readonly variable: 'M' | 'SUBDIRS';
  /** The file of the folder that make reads. */
  readonly reads: 'Kbuild' | 'Makefile';
  /**
   * Where make sees the driver's folder. `in tree`: at its place in the kernel's, and called by the relative path that the
   * kernel's own build used, where the build folder has that place: `__FILE__` is in the code of RHEL 4's driver. Else, and
   * on later kernels, at a path of its own.
   */
  readonly place: 'in tree' | 'own';
  readonly source: string;
}

export const RECIPES: readonly Recipe[] = [
  {
    kernels: '>=2.6.33',
    variable: 'M',
    reads: 'Kbuild',
    place: 'own',
    source: 'Documentation/kbuild/modules.txt of 2.6.33; the driver has no __FILE__ in its code any more',
  },
  {
    kernels: '>=2.6.10 <2.6.33',
    variable: 'M',
    reads: 'Kbuild',
    place: 'in tree',
    source: 'scripts/Makefile.build of 2.6.10: Kbuild, and Makefile where there is none',
  },
  {
    kernels: '>=2.6.6 <2.6.10',
    variable: 'M',
    reads: 'Makefile',
    place: 'in tree',
    source:
      'Documentation/kbuild/modules.txt: M= since 2.6.6; scripts/Makefile.build of 2.6.9 includes Makefile alone',
  },
  {
    kernels: '>=2.6.0 <2.6.6',
    variable: 'SUBDIRS',
    reads: 'Makefile',
    place: 'in tree',
    source: 'Documentation/kbuild/modules.txt of 2.6.0: SUBDIRS=, gone in 5.3',
  },
];

/** The recipe for a tree; undefined where none is known: 2.4 makes no module of one folder, and never had the bug. */
export function recipeFor(base: string): Recipe | undefined {
  return RECIPES.find(({ kernels }) => satisfies(threeParts(base), kernels));
}

/** Throws E_BUILD where no recipe is known. */
export function requireRecipe(base: string): Recipe {
  const recipe = recipeFor(base);
  if (recipe !== undefined) return recipe;
  throw failure(
    'E_BUILD',
    `mptfix cannot build a single module for a kernel ${base}`,
    'build the module by hand as the kernel’s documentation says; 2.4 kernels never had the bug',
  );
}

/** The call of make for one folder. */
export function makeModule(
  { variable }: Pick<Recipe, 'variable'>,
  paths: { readonly make: string; readonly headers: string; readonly folder: string },
): Argv {
  return [paths.make, '-C', paths.headers, `${variable}=${paths.folder}`, 'modules'];
}
