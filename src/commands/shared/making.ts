import { resolve } from 'node:path';
import type { Making } from '../../build/job.ts';
import { failure } from '../../errors.ts';
import { noCache, openCache } from '../../work/cache.ts';

/** The options of `plan`, `apply` and `build` that say how a module is made. */
export interface MakingOptions {
  readonly makeVar?: readonly string[];
  readonly allowUnproven?: boolean;
  readonly wholeTree: boolean;
  readonly full: boolean;
  readonly cache?: boolean;
  readonly config?: string;
  readonly symvers?: string;
  readonly signKey?: string;
  readonly signCert?: string;
}

/** What mptfix itself gives to make. */
const OWN_VARIABLES: ReadonlySet<string> = new Set([
  'M',
  'SUBDIRS',
  'KBUILD_EXTMOD',
  'O',
  'MAKEFLAGS',
  'SHELL',
]);

/** Throws E_USAGE where these options cannot be meant; `--make-var` with every word that is wrong. */
export function requireMaking(options: MakingOptions): void {
  const wrong = (options.makeVar ?? []).filter((word) => !isVariable(word));
  if (wrong.length > 0) {
    throw failure(
      'E_USAGE',
      `--make-var wants NAME=VALUE with a NAME of make that mptfix does not set itself, not ${wrong.map((word) => JSON.stringify(word)).join(', ')}`,
      'such as --make-var CC=gcc-11',
    );
  }
  requireTree(options);
  const { signKey, signCert } = options;
  if ((signKey === undefined) !== (signCert === undefined)) {
    throw failure(
      'E_USAGE',
      'a signature needs both the key and its certificate',
      'give --sign-key and --sign-cert',
    );
  }
}

/** How the module is made. Throws E_USAGE as `requireMaking` does. */
export async function makingOf(options: MakingOptions): Promise<Making> {
  requireMaking(options);
  const { signKey, signCert } = options;
  return {
    makeVars: options.makeVar ?? [],
    ...(options.config === undefined ? {} : { config: options.config }),
    ...(options.symvers === undefined ? {} : { symvers: options.symvers }),
    allowUnproven: options.allowUnproven ?? false,
    wholeTree: options.wholeTree,
    full: options.full,
    cache: options.cache === false ? noCache : await openCache(),
    ...(signKey === undefined || signCert === undefined
      ? {}
      : { sign: { key: resolve(signKey), certificate: resolve(signCert) } }),
  };
}

/** Throws E_USAGE where all modules shall be made, and of no tree. */
function requireTree({ wholeTree, full }: Pick<MakingOptions, 'wholeTree' | 'full'>): void {
  if (!full || wholeTree) return;
  throw failure(
    'E_USAGE',
    '--full makes all modules of a whole tree, and none is asked for',
    'give --whole-tree too, or leave --full out: one module is enough',
  );
}

function isVariable(word: string): boolean {
  const name = /^([A-Za-z_][A-Za-z0-9_]*)=[^\0\n]*$/.exec(word)?.[1];
  return name !== undefined && !OWN_VARIABLES.has(name);
}
