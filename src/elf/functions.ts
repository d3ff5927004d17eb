import { firstWhere } from '../bisect.ts';
import type { ElfFile } from './elf.ts';
import { type Relocation, relocationsWithin } from './relocations.ts';
import { type ElfSection, SHT_NOBITS, sectionBytes } from './sections.ts';
import type { ElfSymbol } from './symbols.ts';
import { damaged } from './view.ts';

/** A function of the module: an STT_FUNC symbol that is defined in a section with bytes. */
export interface ElfFunction {
  readonly name: string;
  readonly section: ElfSection;
  /** Bytes from the start of the section. */
  readonly offset: number;
  /** Bytes; 0 where the symbol does not say. */
  readonly size: number;
  readonly symbol: ElfSymbol;
}

/** All functions, by section and then by offset; each alias of a function is an entry of its own. */
export function functionsOf(elf: ElfFile): readonly ElfFunction[] {
  return elf.symbols
    .flatMap((symbol) => {
      if (symbol.type !== 'function' || typeof symbol.section !== 'number') return [];
      const section = elf.sections[symbol.section];
      if (section === undefined || section.type === SHT_NOBITS) return [];
      return [{ name: symbol.name, section, offset: symbol.value, size: symbol.size, symbol }];
    })
    .sort(byPlace);
}

/** SHF_EXECINSTR. */
const EXECUTABLE = 4;

/**
 * The functions, and the code outside of them that has a label of its own, each up to the next one. Kernels before 2.6.19
 * put the waiting loops of all locks of a file behind its functions, at `.text.lock.mptscsih` (LOCK_SECTION_START in
 * include/linux/spinlock.h).
 */
export function codeOf(elf: ElfFile): readonly ElfFunction[] {
  const functions = functionsOf(elf);
  const index = functionIndex(functions);
  const labels = elf.symbols.flatMap((symbol) => {
    const section = typeof symbol.section === 'number' ? elf.sections[symbol.section] : undefined;
    const isCode = section !== undefined && (section.flags & EXECUTABLE) !== 0 && section.type !== SHT_NOBITS;
    if (symbol.type !== 'none' || !isCode || symbol.value < 0 || symbol.value >= section.size) return [];
    if (index.at(section.index, symbol.value) !== undefined) return [];
    return [{ name: symbol.name, section, offset: symbol.value, size: 0, symbol }];
  });
  if (labels.length === 0) return functions;
  const all = [...functions, ...labels].sort(byPlace);
  const isLabel = new Set<ElfFunction>(labels);
  let end = 0;
  // Backwards: each label ends where what follows it in its section begins.
  for (let at = all.length - 1; at >= 0; at--) {
    const [one, next] = [all[at], all[at + 1]];
    if (one === undefined) continue;
    if (next?.section !== one.section) end = one.section.size;
    else if (next.offset > one.offset) end = next.offset;
    if (isLabel.has(one)) all[at] = { ...one, size: end - one.offset };
  }
  return all;
}

function byPlace(a: ElfFunction, b: ElfFunction): number {
  return a.section.index - b.section.index || a.offset - b.offset;
}

/** A function's bytes and the relocations inside it, whose offsets count from the function's start. */
export interface FunctionBody {
  readonly bytes: Uint8Array;
  readonly relocations: readonly Relocation[];
}

/** Throws E_CANNOT_DECIDE where the symbol reaches past its section. */
export function functionBody(elf: ElfFile, fn: ElfFunction): FunctionBody {
  const content = sectionBytes(elf, fn.section);
  const end = fn.offset + fn.size;
  if (fn.offset < 0 || end > content.length) damaged(`the function ${fn.name} reaches past its section`);
  return {
    bytes: content.subarray(fn.offset, end),
    relocations: relocationsWithin(elf, fn.section, fn.offset, end).map((relocation) => ({
      ...relocation,
      offset: relocation.offset - fn.offset,
    })),
  };
}

/** Finds functions by their place. */
export interface FunctionIndex {
  /** True where the section has functions. */
  has(section: number): boolean;
  /** The function at a place, to name the target of a section-relative relocation. Of several the first. */
  at(section: number, offset: number): ElfFunction | undefined;
}

/** An index of what `functionsOf` returns: each branch and each relocation of a module asks for a function. */
export function functionIndex(functions: readonly ElfFunction[]): FunctionIndex {
  // `ends`: how far the functions up to this one reach. The first that reaches past a place is the only one to look at.
  const sections = new Map<number, { readonly functions: ElfFunction[]; readonly ends: number[] }>();
  for (const fn of functions) {
    const known = sections.get(fn.section.index) ?? { functions: [], ends: [] };
    sections.set(fn.section.index, known);
    known.ends.push(Math.max(known.ends.at(-1) ?? 0, fn.offset + Math.max(fn.size, 1)));
    known.functions.push(fn);
  }
  return {
    has: (section) => sections.has(section),
    at: (section, offset) => {
      const known = sections.get(section);
      const fn = known?.functions[firstWhere(known.ends.length, (at) => (known.ends[at] ?? 0) > offset)];
      return fn !== undefined && fn.offset <= offset ? fn : undefined;
    },
  };
}
