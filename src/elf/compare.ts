import { type ElfFile, EM_386, x86Mode } from './elf.ts';
import { type ElfFunction, functionAt, functionBody, functionsOf } from './functions.ts';
import { type Relocation, relocationsOf } from './relocations.ts';
import { sectionBytes, sectionNamed } from './sections.ts';
import { textAt } from './view.ts';
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
  const found = new Map<string, string>();
  for (const fn of functions) {
    let name = fn.name;
    for (let count = 2; found.has(name); count++) name = `${fn.name}#${count}`;
    found.set(name, fingerprint(elf, fn, functions));
  }
  return found;
}

function fingerprint(elf: ElfFile, fn: ElfFunction, functions: readonly ElfFunction[]): string {
  const body = functionBody(elf, fn);
  const mode = x86Mode(elf);
  const instructions = mode === undefined ? undefined : sweep(body, mode).instructions;
  const bytes = Buffer.from(body.bytes);
  const targets = body.relocations.map((relocation) => {
    const holder = instructions?.find(({ offset, length }) => {
      return relocation.offset >= offset && relocation.offset < offset + length;
    });
    // On i386 the addend is in the code, and differs where its target only moved.
    if (elf.machine === EM_386 && relocation.type !== 0)
      bytes.fill(0, relocation.offset, relocation.offset + 4);
    return `${relocation.offset} ${relocation.type} ${target(elf, relocation, holder, functions)}`;
  });
  for (const instruction of instructions ?? []) {
    const away = branchAway(instruction, fn);
    const distance = instruction.immediate;
    if (away === undefined || distance === undefined) continue;
    bytes.fill(0, distance.offset, distance.offset + distance.size);
    targets.push(`${distance.offset} to ${placeName(functions, fn.section.index, away)}`);
  }
  return `${bytes.toString('hex')}\n${targets.join('\n')}`;
}

/** The place in the section of a branch that leaves its function without a relocation: gas resolves such itself. */
function branchAway(instruction: Located, fn: ElfFunction): number | undefined {
  const { target: to, immediateRelocation } = instruction;
  if (to === undefined || immediateRelocation !== undefined) return undefined;
  return to < 0 || to >= fn.size ? fn.offset + to : undefined;
}

/** The target of a relocation, in words that stay the same when sections move: a function with offset, or a text. */
function target(
  elf: ElfFile,
  relocation: Relocation,
  holder: Located | undefined,
  functions: readonly ElfFunction[],
): string {
  const { symbol, addend } = relocation;
  const plain = `${relocation.name}+${addend}`;
  if (symbol.type !== 'section' || typeof symbol.section !== 'number' || addend === undefined) return plain;
  const section = elf.sections[symbol.section];
  if (section === undefined) return plain;
  // Relative to the instruction's end where the place is a distance (R_X86_64_PC32, PLT32; R_386_PC32, PLT32).
  const relative = relocation.type === 2 || relocation.type === 4;
  const toEnd = holder === undefined || !relative ? 0 : holder.offset + holder.length - relocation.offset;
  const place = symbol.value + addend + toEnd;
  if (section.name.startsWith('.rodata.str'))
    return `text ${JSON.stringify(textAt(sectionBytes(elf, section), place))}`;
  return functions.some((fn) => fn.section.index === section.index)
    ? placeName(functions, section.index, place)
    : plain;
}

function placeName(functions: readonly ElfFunction[], section: number, place: number): string {
  const fn = functionAt(functions, section, place);
  return fn === undefined ? `section ${section} at ${place}` : `${fn.name}+${place - fn.offset}`;
}
