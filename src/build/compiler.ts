import type { BuildOptions } from '../build-options.ts';
import type { ElfFile } from '../elf/elf.ts';
import { bytesOfSection } from '../elf/sections.ts';
import type { Headers } from '../kernel-source/headers.ts';
import type { Argv } from '../machine/program.ts';
import type { Tool } from '../machine/tools.ts';
import { makeVariable, wordsOf } from './toolchain/named-tools.ts';

/**
 * The compiler that built the kernel, from the first word of CONFIG_CC_VERSION_TEXT (since 4.18), such as
 * `gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0`. Older kernels do not say: the plain `gcc`.
 */
export function kernelCompiler(config: string): Tool {
  const text = versionText(config);
  // A cross compiler's prefix is not part of the package's name; a hostile config must not name a path.
  const name = /^(?:[\w.]+-)*?(gcc(?:-\d+(?:\.\d+)?)?)\s/.exec(`${text} `)?.[1] ?? 'gcc';
  return { name, package: name };
}

/** CONFIG_CC_VERSION_TEXT; empty before 4.18. */
export function versionText(config: string): string {
  return /^CONFIG_CC_VERSION_TEXT="([^"]*)"/m.exec(config)?.[1] ?? '';
}

/** What make calls: CC with its options, or with CROSS_COMPILE the kernel's own compiler by that prefix. */
export function compilerWords(
  { config }: Pick<Headers, 'config'>,
  { makeVars }: Pick<BuildOptions, 'makeVars'>,
): Argv {
  const { name } = kernelCompiler(config);
  const named = wordsOf(makeVariable(makeVars, 'CC') ?? '');
  return named ?? [`${makeVariable(makeVars, 'CROSS_COMPILE') ?? ''}${name}`];
}

/** Who names the compiler with CC= or CROSS_COMPILE= answers for it. */
export function compilerTools(
  headers: Pick<Headers, 'config'>,
  options: Pick<BuildOptions, 'makeVars'>,
): readonly Tool[] {
  const compiler = kernelCompiler(headers.config);
  const words = compilerWords(headers, options);
  return words.length === 1 && words[0] === compiler.name ? [compiler] : [];
}

/** What the compiler of a module wrote into it: `GCC: (Debian 12.2.0-14+deb12u1) 12.2.0`. */
export function compilerOf(elf: ElfFile): string {
  const texts = commentOf(elf).split('\0');
  return [...new Set(texts.filter((part) => part !== ''))].join(', ') || 'an unknown compiler';
}

/** The section `.comment`, in which each object's tools wrote a line; empty where there is none. */
export function commentOf(elf: ElfFile): string {
  return Buffer.from(bytesOfSection(elf, '.comment') ?? new Uint8Array()).toString('latin1');
}
