import { firstWhere } from '../bisect.ts';
import { LIMITS } from '../limits.ts';
import { type ElfFile, EM_386 } from './elf.ts';
import { widthOn386 } from './relocation-types.ts';
import { type ElfSection, SHT_REL, SHT_RELA, sectionBytes } from './sections.ts';
import type { ElfSymbol } from './symbols.ts';
import { asBuffer, damaged, i32, i64, u32, word } from './view.ts';

/** One place in a section that the loader fills in. */
export interface Relocation {
  /** Bytes from the start of the section (or of the function, in a function's body). */
  readonly offset: number;
  /** R_* number of the machine. */
  readonly type: number;
  readonly symbol: ElfSymbol;
  /** What it refers to: the symbol's name, or the section's for a section symbol. */
  readonly name: string;
  /**
   * The constant that is added. REL entries keep it in the place itself; it is read for i386 and undefined for
   * other machines with REL (arm, 32-bit mips), whose encodings differ by type.
   */
  readonly addend: number | undefined;
  /** Where the entry itself lies in the file, in bytes. */
  readonly entryAt: number;
}

/** What is known of a file's relocations. */
interface Known {
  /** The tables by the section that they are for. */
  readonly tables: ReadonlyMap<number, readonly ElfSection[]>;
  readonly read: Map<number, readonly Relocation[]>;
  /** How many may still be read: many tables may lie in the same place of the file. */
  left: number;
}

const cache = new WeakMap<ElfFile, Known>();

function knownOf(elf: ElfFile): Known {
  const before = cache.get(elf);
  if (before !== undefined) return before;
  const tables = new Map<number, ElfSection[]>();
  for (const section of elf.sections) {
    if (section.type !== SHT_REL && section.type !== SHT_RELA) continue;
    const others = tables.get(section.info);
    if (others === undefined) tables.set(section.info, [section]);
    else others.push(section);
  }
  const known: Known = { tables, read: new Map(), left: LIMITS.relocations };
  cache.set(elf, known);
  return known;
}

/**
 * The relocations of one section, sorted by offset; none for a section without. Throws E_CANNOT_DECIDE for entries
 * that name no symbol or a place outside the section. Layout: elf(5), Elf32_Rel to Elf64_Rela.
 */
export function relocationsOf(elf: ElfFile, section: ElfSection): readonly Relocation[] {
  const known = knownOf(elf);
  const found = known.read.get(section.index);
  if (found !== undefined) return found;
  const tables = known.tables.get(section.index) ?? [];
  known.left -= tables.reduce(
    (sum, table) => sum + Math.floor(table.size / Math.max(table.entrySize, SMALLEST)),
    0,
  );
  if (known.left < 0)
    damaged(`${section.name} is one of many sections with an impossible number of relocations`);
  const all = tables.flatMap((table) => readTable(elf, section, table)).sort((a, b) => a.offset - b.offset);
  known.read.set(section.index, all);
  return all;
}

/** Bytes of a relocation of 32 bits without an addend. */
const SMALLEST = 8;

/** The relocations of a section within [start, end), by bisection. */
export function relocationsWithin(
  elf: ElfFile,
  section: ElfSection,
  start: number,
  end: number,
): readonly Relocation[] {
  const all = relocationsOf(elf, section);
  const from = (offset: number): number =>
    firstWhere(all.length, (index) => (all[index]?.offset ?? 0) >= offset);
  return all.slice(from(start), from(end));
}

function readTable(elf: ElfFile, section: ElfSection, table: ElfSection): Relocation[] {
  const withAddend = table.type === SHT_RELA;
  const wordSize = elf.class / 8;
  const entry = wordSize * (withAddend ? 3 : 2);
  if (table.entrySize !== entry) damaged(`${table.name} has entries of an impossible size`);
  const count = Math.floor(table.size / entry);
  const content = sectionBytes(elf, section);
  return Array.from({ length: count }, (_, index) => {
    const at = table.offset + index * entry;
    const raw = rawRelocation(elf, at);
    const symbol = elf.symbols[raw.symbol];
    if (symbol === undefined) damaged(`${table.name} names a symbol that is not there`);
    if (raw.offset >= section.size) damaged(`${table.name} points outside its section`);
    const addend = withAddend
      ? elf.class === 64
        ? i64(elf, at + 16)
        : i32(elf, at + 8)
      : inPlaceAddend(elf, content, raw);
    const name = targetName(elf, symbol);
    return { offset: raw.offset, type: raw.type, symbol, name, addend, entryAt: at };
  });
}

function targetName(elf: ElfFile, symbol: ElfSymbol): string {
  if (symbol.type !== 'section' || typeof symbol.section !== 'number') return symbol.name;
  return elf.sections[symbol.section]?.name ?? symbol.name;
}

function rawRelocation(elf: ElfFile, at: number) {
  const offset = word(elf, at);
  if (elf.class === 32) {
    const info = u32(elf, at + 4);
    return { offset, symbol: info >>> 8, type: info & 0xff };
  }
  const [low, high] = elf.littleEndian ? [at + 8, at + 12] : [at + 12, at + 8];
  return { offset, symbol: u32(elf, high), type: u32(elf, low) };
}

function inPlaceAddend(
  elf: ElfFile,
  content: Uint8Array,
  raw: Pick<Relocation, 'offset' | 'type'>,
): number | undefined {
  if (elf.machine !== EM_386) return undefined;
  const width = widthOn386(raw.type);
  if (width === 0) return 0;
  if (raw.offset + width > content.length) damaged('a relocation reaches past the end of its section');
  return asBuffer(content).readIntLE(raw.offset, width);
}
