import { LIMITS } from '../limits.ts';
import { type ElfSection, type Sectioned, SHT_SYMTAB, sectionBytes } from './sections.ts';
import { damaged, i64, latin1, u8, u16, u32, type View, word } from './view.ts';

export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  /** Offset in its section; the value itself for an absolute symbol (negative where the top bit is set). */
  readonly value: number;
  /** Bytes. */
  readonly size: number;
  readonly binding: 'local' | 'global' | 'weak' | 'other';
  readonly type: 'none' | 'object' | 'function' | 'section' | 'file' | 'other';
  /** The section's index, or what is written in place of one. */
  readonly section: number | 'undefined' | 'absolute' | 'common';
  /** st_info: the binding's number times 16, plus the type's. */
  readonly info: number;
}

/** The kernel's own limit, KSYM_NAME_LEN, was never above 512. */
const MAX_NAME = 4096;
const SHT_SYMTAB_SHNDX = 18;
const SHN_LORESERVE = 0xff00;
const SHN_ABS = 0xfff1;
const SHN_COMMON = 0xfff2;
const SHN_XINDEX = 0xffff;

const BINDINGS = ['local', 'global', 'weak'] as const;
const TYPES = ['none', 'object', 'function', 'section', 'file'] as const;

/** All symbols of the file's symbol table in its order; none for a file without one. */
export function readSymbols(elf: Sectioned): readonly ElfSymbol[] {
  const table = elf.sections.find((section) => section.type === SHT_SYMTAB);
  if (table === undefined) return [];
  const entry = elf.class === 64 ? 24 : 16;
  if (table.entrySize !== entry) damaged('its symbol table has entries of an impossible size');
  const count = Math.floor(table.size / entry);
  if (count > LIMITS.symbols) damaged(`it claims ${count} symbols`);
  const names = nameReader(elf, table);
  const wideIndex = elf.sections.find(
    (section) => section.type === SHT_SYMTAB_SHNDX && section.link === table.index,
  );
  const sectionOf = (raw: number, index: number): ElfSymbol['section'] => {
    if (raw === 0) return 'undefined';
    if (raw === SHN_ABS) return 'absolute';
    if (raw === SHN_COMMON) return 'common';
    const real = raw === SHN_XINDEX && wideIndex !== undefined ? extended(elf, wideIndex, index) : raw;
    if (real >= elf.sections.length || (raw >= SHN_LORESERVE && raw !== SHN_XINDEX)) {
      damaged(`symbol ${index} names a section that is not there`);
    }
    return real;
  };
  return Array.from({ length: count }, (_, index) => {
    const raw = rawSymbol(elf, table.offset + index * entry);
    return {
      index,
      name: names(raw.nameOffset),
      value: raw.value,
      size: raw.size,
      binding: BINDINGS[raw.info >> 4] ?? 'other',
      type: TYPES[raw.info & 15] ?? 'other',
      section: sectionOf(raw.section, index),
      info: raw.info,
    };
  });
}

function extended(view: View, section: ElfSection, index: number): number {
  if ((index + 1) * 4 > section.size) damaged('its table of extended section numbers is too short');
  return u32(view, section.offset + index * 4);
}

function rawSymbol(view: View, at: number) {
  const wide = view.class === 64;
  return {
    nameOffset: u32(view, at),
    info: u8(view, at + (wide ? 4 : 12)),
    section: u16(view, at + (wide ? 6 : 14)),
    // Signed: some architectures sign-extend a CRC, which as an unsigned number would not be exact.
    value: wide ? i64(view, at + 8) : u32(view, at + 4),
    size: word(view, at + (wide ? 16 : 8)),
  };
}

/**
 * Names share tails in a string table, so their total may exceed the table, but not by much. Where each symbol
 * named almost the whole table, reading would cost the square of its size.
 */
function nameReader(elf: Sectioned, table: ElfSection): (offset: number) => string {
  const section = elf.sections[table.link];
  if (section === undefined) damaged('its symbol table has no names');
  const strings = sectionBytes(elf, section);
  let budget = 4 * strings.length + 65_536;
  return (offset) => {
    if (offset === 0) return '';
    if (offset >= strings.length) damaged('a symbol has its name outside the table of names');
    const nul = strings.indexOf(0, offset);
    const end = nul < 0 ? strings.length : nul;
    budget -= end - offset;
    if (budget < 0 || end - offset > MAX_NAME) damaged('the names of its symbols are impossibly long');
    return latin1(strings.subarray(offset, end));
  };
}
