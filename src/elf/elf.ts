import { readSymbols } from './symbols.ts';
import { damaged, latin1, slice, u16, u32, type View, viewOf, word } from './view.ts';

/** A relocatable ELF file (a `.ko`, or the `.o` that 2.4 kernels load). Made by `readElf`. */
export interface ElfFile {
  readonly bytes: Uint8Array;
  readonly view: View;
  /** Bits of an address. */
  readonly class: 32 | 64;
  readonly littleEndian: boolean;
  /** e_machine. */
  readonly machine: number;
  /** The architecture as uname spells it, such as `x86_64`, or `machine 1234` for one that is not listed. */
  readonly machineName: string;
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
}

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** SHT_*: 1 PROGBITS, 2 SYMTAB, 3 STRTAB, 4 RELA, 7 NOTE, 8 NOBITS, 9 REL. */
  readonly type: number;
  readonly flags: number;
  /** Offset in the file, in bytes. */
  readonly offset: number;
  /** Bytes; for NOBITS (.bss) bytes in memory only. */
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entrySize: number;
}

export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  /** Offset in its section; the value itself for an absolute symbol (negative where the top bit is set). */
  readonly value: number;
  /** Bytes. */
  readonly size: number;
  readonly binding: 'local' | 'global' | 'weak' | 'other';
  readonly type: 'none' | 'object' | 'function' | 'section' | 'file' | 'other';
  /** Section index, or what stands in its place. */
  readonly section: number | 'undefined' | 'absolute' | 'common';
}

export const SHT_SYMTAB = 2;
export const SHT_RELA = 4;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const EM_386 = 3;
export const EM_X86_64 = 62;

/** e_machine to `uname -m`, from the System V ABI's list of machines as in binutils' include/elf/common.h. */
const MACHINES: Readonly<Record<number, string>> = {
  2: 'sparc',
  3: 'i386',
  8: 'mips',
  15: 'parisc',
  18: 'sparc32plus',
  20: 'ppc',
  21: 'ppc64',
  22: 's390',
  40: 'arm',
  43: 'sparc64',
  50: 'ia64',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv',
  258: 'loongarch',
  36902: 'alpha',
};

/** A module with -ffunction-sections has some thousand sections; far more can only be meant to exhaust us. */
const MAX_SECTIONS = 65_536;
const ET_REL = 1;
const SHN_XINDEX = 0xffff;

/** True for what starts as any ELF file does. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && latin1(bytes.subarray(1, 4)) === 'ELF';
}

/**
 * Reads header, sections and symbols of an uncompressed module. Layouts are those of elf(5).
 * Throws E_CANNOT_DECIDE for anything that is not a whole relocatable ELF file of 32 or 64 bits.
 */
export function readElf(bytes: Uint8Array): ElfFile {
  const view = headerView(bytes);
  const type = u16(view, 16);
  if (type !== ET_REL) damaged(`it is an ELF file of type ${type}, not a relocatable one`);
  const machine = u16(view, 18);
  const sections = readSections(view);
  const elf = {
    bytes,
    view,
    class: view.class,
    littleEndian: view.littleEndian,
    machine,
    machineName: MACHINES[machine] ?? `machine ${machine}`,
    sections,
  };
  return { ...elf, symbols: readSymbols(elf) };
}

function headerView(bytes: Uint8Array): View {
  if (!isElf(bytes)) damaged('it does not start as an ELF file does');
  if (bytes.length < 52) damaged('it is cut short inside its header');
  const bits = bytes[4] === 1 ? 32 : bytes[4] === 2 ? 64 : damaged('its ELF class is neither 32 nor 64 bits');
  const little = bytes[5] === 1 ? true : bytes[5] === 2 ? false : damaged('its byte order is not known');
  return viewOf(bytes, little, bits);
}

function readSections(view: View): readonly ElfSection[] {
  const wide = view.class === 64;
  const tableOffset = word(view, wide ? 40 : 32);
  const tail = wide ? 58 : 46;
  const entry = u16(view, tail);
  const minimum = wide ? 64 : 40;
  if (tableOffset === 0) damaged('it has no section table');
  if (entry < minimum) damaged('its section table has entries of an impossible size');
  const first = rawSection(view, 0, tableOffset);
  // elf(5): a count or index too big for the header stands in section 0.
  const count = u16(view, tail + 2) || first.size;
  const nameIndex = u16(view, tail + 4);
  if (count > MAX_SECTIONS) damaged(`it claims ${count} sections`);
  slice(view.bytes, tableOffset, count * entry, 'the section table');
  const raw = Array.from({ length: count }, (_, index) =>
    rawSection(view, index, tableOffset + index * entry),
  );
  for (const section of raw) {
    if (section.type !== SHT_NOBITS)
      slice(view.bytes, section.offset, section.size, `section ${section.index}`);
  }
  const names = raw[nameIndex === SHN_XINDEX ? first.link : nameIndex];
  if (names === undefined || names.type === SHT_NOBITS) damaged('it has no table of section names');
  const table = view.bytes.subarray(names.offset, names.offset + names.size);
  return raw.map(({ nameOffset, ...section }) => ({ ...section, name: sectionName(table, nameOffset) }));
}

/** Section names are short; a longer one would let many sections share one huge text. */
function sectionName(table: Uint8Array, offset: number): string {
  if (offset >= table.length) return '';
  const end = table.indexOf(0, offset);
  const stop = end < 0 ? table.length : end;
  if (stop - offset > 1024) damaged('a section has a name of impossible length');
  return latin1(table.subarray(offset, stop));
}

type RawSection = Omit<ElfSection, 'name'> & { readonly nameOffset: number };

function rawSection(view: View, index: number, at: number): RawSection {
  const wide = view.class === 64;
  return {
    index,
    nameOffset: u32(view, at),
    type: u32(view, at + 4),
    flags: wide ? u32(view, view.littleEndian ? at + 8 : at + 12) : u32(view, at + 8),
    offset: word(view, at + (wide ? 24 : 16)),
    size: word(view, at + (wide ? 32 : 20)),
    link: u32(view, at + (wide ? 40 : 24)),
    info: u32(view, at + (wide ? 44 : 28)),
    align: word(view, at + (wide ? 48 : 32)),
    entrySize: word(view, at + (wide ? 56 : 36)),
  };
}

/** The first section of this name. */
export function sectionNamed(elf: Pick<ElfFile, 'sections'>, name: string): ElfSection | undefined {
  return elf.sections.find((section) => section.name === name);
}

/** A section's bytes in the file, without copying; empty for NOBITS. */
export function sectionBytes(elf: Pick<ElfFile, 'bytes'>, section: ElfSection): Uint8Array {
  if (section.type === SHT_NOBITS) return new Uint8Array(0);
  return slice(elf.bytes, section.offset, section.size, `section ${section.name}`);
}

/** The bytes of the first section of this name; undefined where there is none. */
export function bytesOfSection(
  elf: Pick<ElfFile, 'bytes' | 'sections'>,
  name: string,
): Uint8Array | undefined {
  const section = sectionNamed(elf, name);
  return section === undefined ? undefined : sectionBytes(elf, section);
}
