import { firstWhere } from '../bisect.ts';
import { sha256 } from '../hash.ts';
import { LIMITS } from '../limits.ts';
import { type ElfFile, EM_386, x86Mode } from './elf.ts';
import {
  codeOf,
  type ElfFunction,
  type FunctionBody,
  type FunctionIndex,
  functionBody,
  functionIndex,
} from './functions.ts';
import { isPlainBranch, PC32, PLT32, widthOn386 } from './relocation-types.ts';
import { type Relocation, relocationsOf } from './relocations.ts';
import { type ElfSection, sectionBytes, sectionsNamed } from './sections.ts';
import { asBuffer, damaged, textAt } from './view.ts';
import { sizeWithoutFiller } from './x86/filler.ts';
import { type Located, sweep } from './x86/sweep.ts';

/** What two modules' sections of one name are to each other. */
type Likeness = 'same' | 'both-missing' | 'only-first' | 'only-second' | 'bytes' | 'relocations';

/**
 * Compares the sections of a name byte by byte, and their relocations by place, type and what they refer to: the symbol's
 * place and the addend together, since assemblers differ in whether they name a symbol or its section. PLT32 and PC32 of
 * x86 are one type (`isPlainBranch`).
 */
export function compareSection(first: ElfFile, second: ElfFile, name: string): Likeness {
  return compareBy(first, second, name, (elf) => (relocation) => plainTarget(elf, relocation));
}

/**
 * The same for data that refers to functions: these are told by name and offset, not by where they are, so that a
 * function which only moved is the same.
 */
export function compareData(first: ElfFile, second: ElfFile, name: string): Likeness {
  return compareBy(first, second, name, (elf) => {
    const module = moduleOf(elf);
    return (relocation) => target(module, relocation, undefined);
  });
}

type Targets = (elf: ElfFile) => (relocation: Relocation) => string;

/** More than one section may have a name; then they are compared in their order. */
function compareBy(first: ElfFile, second: ElfFile, name: string, targets: Targets): Likeness {
  const [mine, theirs] = [sectionsNamed(first, name), sectionsNamed(second, name)];
  if (mine.length === 0) return theirs.length === 0 ? 'both-missing' : 'only-second';
  if (theirs.length === 0) return 'only-first';
  if (mine.length !== theirs.length) return 'bytes';
  const [ofFirst, ofSecond] = [targets(first), targets(second)];
  for (const [at, a] of mine.entries()) {
    const b = theirs[at];
    if (b === undefined || a.size !== b.size || !plainBytes(first, a).equals(plainBytes(second, b)))
      return 'bytes';
    const one = relocationsOf(first, a).map((each) => `${placeAndType(first, each)} ${ofFirst(each)}`);
    const other = relocationsOf(second, b).map((each) => `${placeAndType(second, each)} ${ofSecond(each)}`);
    if (one.length !== other.length || one.some((text, index) => text !== other[index])) return 'relocations';
  }
  return 'same';
}

function placeAndType(elf: ElfFile, relocation: Relocation): string {
  return `${relocation.offset} ${isPlainBranch(elf, relocation) ? PC32 : relocation.type}`;
}

/** On i386 the addend is in the section itself, and is compared as part of what the relocation refers to. */
function plainBytes(elf: ElfFile, section: ElfSection): Buffer {
  const content = asBuffer(sectionBytes(elf, section));
  if (elf.machine !== EM_386) return content;
  const bytes = Buffer.from(content);
  for (const relocation of relocationsOf(elf, section)) blank(bytes, relocation);
  return bytes;
}

/** A function's last relocation may reach past its end, where symbols lie. */
function blank(bytes: Buffer, { offset, type }: Relocation): void {
  bytes.fill(0, offset, Math.min(offset + widthOn386(type), bytes.length));
}

/** A place in the module, or a symbol outside of it. */
function plainTarget(elf: ElfFile, { symbol, name, addend }: Relocation): string {
  if (addend === undefined) return `${name} at ${symbol.value}`;
  if (typeof symbol.section !== 'number') return `${name} ${symbol.section} ${symbol.value} + ${addend}`;
  return `${elf.sections[symbol.section]?.name} + ${symbol.value + addend}`;
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

/** Whether a function of two builds refers to the same places as often, in whatever order. */
export function refersAlike(first: ElfFile, second: ElfFile, name: string): boolean {
  const [mine, theirs] = [references(first, name), references(second, name)];
  return mine.length === theirs.length && mine.every((place, at) => place === theirs[at]);
}

function references(elf: ElfFile, name: string): readonly string[] {
  const module = moduleOf(elf);
  return codeOf(elf)
    .filter((fn) => fn.name === name)
    .flatMap((fn) => functionBody(elf, fn).relocations.map((each) => target(module, each, undefined)))
    .sort();
}

/** By name; static functions that share one are distinguished by their order, as `name#2`. */
function fingerprints(elf: ElfFile): ReadonlyMap<string, string> {
  const functions = codeOf(elf);
  const code = functions.reduce((sum, { size }) => sum + size, 0);
  if (code > LIMITS.codeBytes || functions.some(({ size }) => size > LIMITS.functionBytes))
    damaged('it has more code than this driver ever had');
  const module = moduleOf(elf);
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

const modules = new WeakMap<ElfFile, Module>();

function moduleOf(elf: ElfFile): Module {
  const known = modules.get(elf) ?? {
    elf,
    functions: functionIndex(codeOf(elf)),
    texts: LIMITS.codeBytes,
  };
  modules.set(elf, known);
  return known;
}

function fingerprint(module: Module, fn: ElfFunction): string {
  const { elf, functions } = module;
  const mode = x86Mode(elf);
  const body = bodyToCompare(elf, fn, mode);
  const instructions = mode === undefined ? undefined : sweep(body, mode).instructions;
  const bytes = Buffer.from(body.bytes);
  const targets = body.relocations.map((relocation) => {
    const holder = instructions && holderOf(instructions, relocation.offset);
    // On i386 the addend is in the code, and differs where its target only moved.
    if (elf.machine === EM_386) blank(bytes, relocation);
    return `${placeAndType(elf, relocation)} ${target(module, relocation, holder)}`;
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

/**
 * Where code behind a label ends, no symbol says: what follows may only fill its section up, by as much as the functions
 * before it left.
 */
function bodyToCompare(elf: ElfFile, fn: ElfFunction, mode: 32 | 64 | undefined): FunctionBody {
  const body = functionBody(elf, fn);
  if (fn.symbol.type !== 'none' || mode === undefined) return body;
  return { ...body, bytes: body.bytes.subarray(0, sizeWithoutFiller(body, mode)) };
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
  // Relative to the instruction's end where the place is a distance, which both machines number alike.
  const relative = relocation.type === PC32 || relocation.type === PLT32;
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
