import { LIMITS } from '../limits.ts';
import { damaged, slice, textAt, u16, u32, type View, word } from './view.ts';

/** A section of an ELF file, by its header. */
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
  readonly entrySize: number;
  /** Bytes; 0 and 1 mean any place. */
  readonly alignment: number;
}

/** A file whose section table has been read. */
export interface Sectioned extends View {
  readonly sections: readonly ElfSection[];
}

export const SHT_SYMTAB = 2;
export const SHT_RELA = 4;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;

const MAX_NAME = 1024;
const SHN_XINDEX = 0xffff;

/** All sections with their names; section 0 is the empty one that every file has. Layout: elf(5), Elf32_Shdr and Elf64_Shdr. */
export function readSections(view: View): readonly ElfSection[] {
  const wide = view.class === 64;
  const tableOffset = word(view, wide ? 40 : 32);
  const tail = wide ? 58 : 46;
  const entry = u16(view, tail);
  const minimum = wide ? 64 : 40;
  if (tableOffset === 0) damaged('it has no section table');
  if (entry < minimum) damaged('its section table has entries of an impossible size');
  const first = rawSection(view, 0, tableOffset);
  // elf(5): a count or index too big for the header is in section 0.
  const count = u16(view, tail + 2) || first.size;
  const nameIndex = u16(view, tail + 4);
  if (count > LIMITS.sections) damaged(`it claims ${count} sections`);
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
  const name = textAt(table, offset, Math.min(table.length, offset + MAX_NAME + 1));
  if (name.length > MAX_NAME) damaged('a section has a name of impossible length');
  return name;
}

function rawSection(view: View, index: number, at: number) {
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
    alignment: word(view, at + (wide ? 48 : 32)),
    entrySize: word(view, at + (wide ? 56 : 36)),
  };
}

const byName = new WeakMap<readonly ElfSection[], ReadonlyMap<string, readonly ElfSection[]>>();

/** All sections of this name, in their order. */
export function sectionsNamed({ sections }: Sectioned, name: string): readonly ElfSection[] {
  const known = byName.get(sections) ?? Map.groupBy(sections, (section) => section.name);
  byName.set(sections, known);
  return known.get(name) ?? [];
}

/** The first section of this name. */
export function sectionNamed(elf: Sectioned, name: string): ElfSection | undefined {
  return sectionsNamed(elf, name)[0];
}

/** A section's bytes in the file, without copying; empty for NOBITS. */
export function sectionBytes(elf: View, section: ElfSection): Uint8Array {
  if (section.type === SHT_NOBITS) return new Uint8Array(0);
  return slice(elf.bytes, section.offset, section.size, `section ${section.name}`);
}

/** The bytes of the first section of this name; undefined where there is none. */
export function bytesOfSection(elf: Sectioned, name: string): Uint8Array | undefined {
  const section = sectionNamed(elf, name);
  return section === undefined ? undefined : sectionBytes(elf, section);
}
