import { firstWhere } from '../bisect.ts';
import { sha256 } from '../hash.ts';
import { LIMITS } from '../limits.ts';
import { type ElfFile, EM_386, x86Mode } from './elf.ts';
import {
  type ElfFunction,
  type FunctionIndex,
  functionBody,
  functionIndex,
  functionsOf,
} from './functions.ts';
import { type Relocation, relocationsOf } from './relocations.ts';
import { sectionBytes, sectionNamed } from './sections.ts';
import { damaged, textAt } from './view.ts';
import { type Located, sweep } from './x86/sweep.ts';

/**
 * Compares a section byte by byte, and its relocations by place, type, name and addend: symbol numbers may differ
 * between two builds that are otherwise the same. Answers what is the same, missing or different.
 */
export function compareSection(first: ElfFile, second: ElfFile, name: string) {
  const a = sectionNamed(first, name);
  const b = sectionNamed(second, name);
  if (a === undefined || b === undefined) {
    return a === b ? 'both-missing' : a === undefined ? 'only-second' : 'only-first';
  }
  if (a.size !== b.size || Buffer.compare(sectionBytes(first, a), sectionBytes(second, b)) !== 0)
    return 'bytes';
  const plain = ({ offset, type, name: target, addend }: Relocation) =>
    `${offset} ${type} ${target} ${addend}`;
  const one = relocationsOf(first, a).map(plain);
  const other = relocationsOf(second, b).map(plain);
  return one.length === other.length && one.every((text, index) => text === other[index])
    ? 'same'
    : 'relocations';
}

/** How two builds of a module differ, function by function. Names are sorted. */
export interface FunctionDifferences {
  readonly changed: readonly string[];
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

/**
 * Compares all functions of two builds by what they do, not by where they are: a function that only moved because
 * one before it became shorter is the same. Branches to other functions and references to texts are compared by
 * their targets. Throws E_CANNOT_DECIDE for damaged files.
 */
export function compareFunctions(first: ElfFile, second: ElfFile): FunctionDifferences {
  const a = fingerprints(first);
  const b = fingerprints(second);
  const names = [...a.keys()];
  return {
    changed: names.filter((name) => b.has(name) && a.get(name) !== b.get(name)).sort(),
    onlyFirst: names.filter((name) => !b.has(name)).sort(),
    onlySecond: [...b.keys()].filter((name) => !a.has(name)).sort(),
  };
}

/** By name; static functions that share one are distinguished by their order, as `name#2`. */
function fingerprints(elf: ElfFile): ReadonlyMap<string, string> {
  const functions = functionsOf(elf);
  const code = functions.reduce((sum, { size }) => sum + size, 0);
  if (code > LIMITS.codeBytes || functions.some(({ size }) => size > LIMITS.functionBytes))
    damaged('it has more code than this driver ever had');
  const module: Module = { elf, functions: functionIndex(functions), texts: LIMITS.codeBytes };
  const found = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const fn of functions) {
    const count = (counts.get(fn.name) ?? 0) + 1;
    counts.set(fn.name, count);
    found.set(count === 1 ? fn.name : `${fn.name}#${count}`, fingerprint(module, fn));
  }
  return found;
}

/** A module whose functions are compared. */
interface Module {
  readonly elf: ElfFile;
  readonly functions: FunctionIndex;
  /** Bytes of texts that may still be read: each relocation may name a text of megabytes. */
  texts: number;
}

function fingerprint(module: Module, fn: ElfFunction): string {
  const { elf, functions } = module;
  const body = functionBody(elf, fn);
  const mode = x86Mode(elf);
  const instructions = mode === undefined ? undefined : sweep(body, mode).instructions;
  const bytes = Buffer.from(body.bytes);
  const targets = body.relocations.map((relocation) => {
    const holder = instructions && holderOf(instructions, relocation.offset);
    // On i386 the addend is in the code, and differs where its target only moved.
    if (elf.machine === EM_386 && relocation.type !== 0)
      bytes.fill(0, relocation.offset, relocation.offset + 4);
    return `${relocation.offset} ${relocation.type} ${target(module, relocation, holder)}`;
  });
  for (const instruction of instructions ?? []) {
    const away = branchAway(instruction, fn);
    const distance = instruction.immediate;
    if (away === undefined || distance === undefined) continue;
    bytes.fill(0, distance.offset, distance.offset + distance.size);
    targets.push(`${distance.offset} to ${placeName(functions, fn.section.index, away)}`);
  }
  return sha256(`${bytes.toString('hex')}\n${targets.join('\n')}`);
}

/** The instruction that a place is in; they follow each other. */
function holderOf(instructions: readonly Located[], place: number): Located | undefined {
  const after = firstWhere(instructions.length, (at) => (instructions[at]?.offset ?? 0) > place);
  const holder = instructions[after - 1];
  return holder !== undefined && place < holder.offset + holder.length ? holder : undefined;
}

/** The place in the section of a branch that leaves its function without a relocation: gas resolves such itself. */
function branchAway(instruction: Located, fn: ElfFunction): number | undefined {
  const { target: to, immediateRelocation } = instruction;
  if (to === undefined || immediateRelocation !== undefined) return undefined;
  return to < 0 || to >= fn.size ? fn.offset + to : undefined;
}

/** The target of a relocation, in words that stay the same when sections move: a function with offset, or a text. */
function target(module: Module, relocation: Relocation, holder: Located | undefined): string {
  const { elf, functions } = module;
  const { symbol, addend } = relocation;
  const plain = `${relocation.name}+${addend}`;
  if (symbol.type !== 'section' || typeof symbol.section !== 'number' || addend === undefined) return plain;
  const section = elf.sections[symbol.section];
  if (section === undefined) return plain;
  // Relative to the instruction's end where the place is a distance (R_X86_64_PC32, PLT32; R_386_PC32, PLT32).
  const relative = relocation.type === 2 || relocation.type === 4;
  const toEnd = holder === undefined || !relative ? 0 : holder.offset + holder.length - relocation.offset;
  const place = symbol.value + addend + toEnd;
  if (section.name.startsWith('.rodata.str')) {
    const text = textAt(sectionBytes(elf, section), place);
    module.texts -= text.length;
    if (module.texts < 0) damaged('its texts are impossibly long');
    return `text ${JSON.stringify(text)}`;
  }
  return functions.has(section.index) ? placeName(functions, section.index, place) : plain;
}

function placeName(functions: FunctionIndex, section: number, place: number): string {
  const fn = functions.at(section, place);
  return fn === undefined ? `section ${section} at ${place}` : `${fn.name}+${place - fn.offset}`;
}
