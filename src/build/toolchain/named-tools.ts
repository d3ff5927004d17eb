import { basename, dirname } from 'node:path';
import type { Target } from '../../machine/port.ts';
import type { Argv, Bind } from '../../machine/program.ts';
import { TOOLS, type Tool } from '../../machine/tools.ts';
import type { Toolchain } from './toolchain.ts';

/** What a sandbox has of a system anyway. */
const USUAL = /^\/(usr|bin|sbin|lib|lib32|lib64|libx32)\//;
/** Where gcc keeps cc1 and the like, below the folder that it was installed into: 4 and later, and 3. */
const OF_A_COMPILER = ['libexec/gcc', 'lib/gcc', 'lib64/gcc', 'lib/gcc-lib'] as const;

/** The value of a variable for make: the last that was given counts. */
export function makeVariable(makeVars: readonly string[], name: string): string | undefined {
  return makeVars.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** The make that is started: an admin's own where one is named by its path. */
export function makeProgram(makeVars: readonly string[]): string {
  const named = makeVariable(makeVars, 'MAKE');
  return named?.startsWith('/') === true ? named : 'make';
}

/** What a build needs of it; who names another make answers for it. */
export function makeTools(makeVars: readonly string[]): readonly Tool[] {
  return makeProgram(makeVars) === TOOLS.make.name ? [TOOLS.make] : [];
}

/** A variable's value as the shell of a kernel's Makefile takes it: words between spaces. */
export function wordsOf(value: string): Argv | undefined {
  const [first, ...rest] = value.split(/\s+/).filter((word) => word !== '');
  return first === undefined ? undefined : [first, ...rest];
}

/**
 * The toolchain with what the variables for make name by a path anywhere in it: the file, or all of the folder that a
 * compiler was installed into. What such a path is a link to is shown too.
 */
export async function withNamedTools<T extends Pick<Toolchain, 'place' | 'shown'>>(
  toolchain: T,
  makeVars: readonly string[],
): Promise<T> {
  const { place } = toolchain;
  const shown = new Map(toolchain.shown.map((bind) => [bind.to, bind]));
  for (const path of makeVars.flatMap(pathsIn)) {
    for (const one of new Set([path, await place.realPath(path)])) {
      const bind = await bindOf(place, one);
      if (bind !== undefined) shown.set(bind.to, bind);
    }
  }
  return { ...toolchain, shown: [...shown.values()] };
}

/** Of CROSS_COMPILE a prefix of programs' names: the compiler stands for all of them. */
function pathsIn(word: string): readonly string[] {
  const at = word.indexOf('=');
  const [name, value] = [word.slice(0, at), word.slice(at + 1)];
  const words = value.split(/\s+/).filter((one) => /^\/[^/]/.test(one));
  return name === 'CROSS_COMPILE' ? words.map((prefix) => `${prefix}gcc`) : words;
}

async function bindOf(place: Target, path: string): Promise<Bind | undefined> {
  if (USUAL.test(path) || (await place.stat(path))?.type !== 'file') return undefined;
  const prefix = dirname(dirname(path));
  const isCompilers =
    basename(dirname(path)) === 'bin' &&
    prefix !== '/' &&
    (await Promise.all(OF_A_COMPILER.map((folder) => place.stat(`${prefix}/${folder}`)))).some(
      (status) => status?.type === 'directory',
    );
  const shown = isCompilers ? prefix : path;
  return { from: await place.hostPath(shown), to: shown };
}
