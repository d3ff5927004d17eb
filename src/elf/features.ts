import type { ElfFile } from './elf.ts';
import { relocationName } from './relocation-types.ts';
import { relocationsOf } from './relocations.ts';
import { type ElfSection, SHT_NOTE, SHT_REL, SHT_RELA, SHT_SYMTAB } from './sections.ts';
import { u16, u32 } from './view.ts';

/** One thing of the ELF format that a module uses and its loader must know. */
export interface ElfFeature {
  /** What is compared: `relocation 4`, `section type 17`, `section flag 0x800`, `note .note.gnu.property`. */
  readonly key: string;
  /** For a person: `R_X86_64_PLT32 (type 4)`. */
  readonly name: string;
  /** Where it is used first: `.text+0x1a`, `section .debug_info`, `symbol 12 (f)`, `the header`. */
  readonly place: string;
  /** How often. */
  readonly count: number;
}

/** SHF_ALLOC: the section is loaded. What is not loaded gets no relocations either (kernel/module.c, 2.6.0 to 6.x). */
const SHF_ALLOC = 2;

/** Source: the System V ABI's chapter on sections, and binutils' include/elf/common.h. */
const SECTION_TYPES: Readonly<Record<number, string>> = {
  0: 'SHT_NULL',
  1: 'SHT_PROGBITS',
  2: 'SHT_SYMTAB',
  3: 'SHT_STRTAB',
  4: 'SHT_RELA',
  5: 'SHT_HASH',
  6: 'SHT_DYNAMIC',
  7: 'SHT_NOTE',
  8: 'SHT_NOBITS',
  9: 'SHT_REL',
  11: 'SHT_DYNSYM',
  14: 'SHT_INIT_ARRAY',
  15: 'SHT_FINI_ARRAY',
  16: 'SHT_PREINIT_ARRAY',
  17: 'SHT_GROUP',
  18: 'SHT_SYMTAB_SHNDX',
  19: 'SHT_RELR',
  1879048181: 'SHT_GNU_ATTRIBUTES',
  1879002115: 'SHT_LLVM_ADDRSIG',
  1879048193: 'SHT_X86_64_UNWIND',
};
const SECTION_FLAGS: Readonly<Record<number, string>> = {
  1: 'SHF_WRITE',
  2: 'SHF_ALLOC',
  4: 'SHF_EXECINSTR',
  16: 'SHF_MERGE',
  32: 'SHF_STRINGS',
  64: 'SHF_INFO_LINK',
  128: 'SHF_LINK_ORDER',
  256: 'SHF_OS_NONCONFORMING',
  512: 'SHF_GROUP',
  1024: 'SHF_TLS',
  2048: 'SHF_COMPRESSED',
  2097152: 'SHF_GNU_RETAIN',
  16777216: 'SHF_GNU_MBIND',
  268435456: 'SHF_X86_64_LARGE',
  1073741824: 'SHF_ORDERED',
  2147483648: 'SHF_EXCLUDE',
};
const SYMBOL_TYPES: Readonly<Record<number, string>> = {
  0: 'STT_NOTYPE',
  1: 'STT_OBJECT',
  2: 'STT_FUNC',
  3: 'STT_SECTION',
  4: 'STT_FILE',
  5: 'STT_COMMON',
  6: 'STT_TLS',
  10: 'STT_GNU_IFUNC',
};
const BINDINGS: Readonly<Record<number, string>> = {
  0: 'STB_LOCAL',
  1: 'STB_GLOBAL',
  2: 'STB_WEAK',
  10: 'STB_GNU_UNIQUE',
};

/** The page of x86, to which the loader aligns what it allocates for a module. */
const PAGE = 4096;
const SHN_XINDEX = 0xffff;

type Use = Pick<ElfFeature, 'key' | 'name' | 'place'>;

/**
 * Everything of the ELF format that a module's loader must know, each once, in the order of its first use. Relocations
 * count where they are applied: in sections that are loaded. Throws E_CANNOT_DECIDE for damaged files.
 */
export function featuresOf(elf: ElfFile): readonly ElfFeature[] {
  const found = new Map<string, ElfFeature>();
  const add = ({ key, name, place }: Use): void => {
    const known = found.get(key);
    found.set(
      key,
      known === undefined ? { key, name, place, count: 1 } : { ...known, count: known.count + 1 },
    );
  };
  headerUses(elf).forEach(add);
  for (const section of elf.sections) {
    sectionUses(elf, section).forEach(add);
    if ((section.flags & SHF_ALLOC) === 0) continue;
    for (const { type, offset } of relocationsOf(elf, section)) {
      const name = `${relocationName(elf, type)} (type ${type})`;
      add({ key: `relocation ${type}`, name, place: `${section.name}+0x${offset.toString(16)}` });
    }
  }
  for (const symbol of elf.symbols) {
    const place = `symbol ${symbol.index} (${symbol.name})`;
    const [type, binding] = [symbol.info & 15, symbol.info >> 4];
    add({ key: `symbol type ${type}`, name: named('symbol type', SYMBOL_TYPES[type], type), place });
    add({
      key: `symbol binding ${binding}`,
      name: named('symbol binding', BINDINGS[binding], binding),
      place,
    });
    if (symbol.section === 'common')
      add({ key: 'common symbol', name: 'a common symbol (SHN_COMMON)', place });
  }
  return [...found.values()];
}

function named(what: string, name: string | undefined, number: number): string {
  const digits = number > 9 ? `0x${number.toString(16)}` : number.toString();
  return name === undefined ? `${what} ${digits}` : `${name} (${what} ${digits})`;
}

/** What the header has that plain modules do not: elf(5), Elf32_Ehdr and Elf64_Ehdr. */
function headerUses(elf: ElfFile): readonly Use[] {
  const place = 'the header';
  const wide = elf.class === 64;
  const abi = elf.bytes[7] ?? 0;
  const flags = u32(elf, wide ? 48 : 36);
  const manySections = u16(elf, wide ? 60 : 48) === 0 || u16(elf, wide ? 62 : 50) === SHN_XINDEX;
  return [
    ...(abi === 0 ? [] : [{ key: `OS ABI ${abi}`, name: `the OS ABI ${abi} (EI_OSABI)`, place }]),
    ...(flags === 0
      ? []
      : [{ key: `header flags ${flags}`, name: `the flags 0x${flags.toString(16)}`, place }]),
    ...(manySections
      ? [{ key: 'extended numbering', name: 'section numbers beyond the header (SHN_XINDEX)', place }]
      : []),
  ];
}

function sectionUses(elf: ElfFile, section: ElfSection): readonly Use[] {
  const { type, alignment, index } = section;
  const place = section.name === '' ? `section ${index}` : `section ${section.name}`;
  const loaded = (section.flags & SHF_ALLOC) !== 0;
  const target = elf.sections[section.info];
  const applied = target !== undefined && (target.flags & SHF_ALLOC) !== 0;
  const isTable = type === SHT_REL || type === SHT_RELA;
  const flags = [...Array(32).keys()].map((bit) => 2 ** bit).filter((flag) => (section.flags & flag) !== 0);
  const isSecondTable =
    type === SHT_SYMTAB && elf.sections.some((one) => one.type === type && one.index < index);
  return [
    // Tables for what is not loaded are passed over, whichever kind they are of.
    ...(isTable && !applied
      ? []
      : [{ key: `section type ${type}`, name: named('section type', SECTION_TYPES[type], type), place }]),
    ...flags.map((flag) => ({
      key: `section flag 0x${flag.toString(16)}`,
      name: named('section flag', SECTION_FLAGS[flag], flag),
      place,
    })),
    ...(isSecondTable ? [{ key: 'two symbol tables', name: 'a second table of symbols', place }] : []),
    ...(loaded && type === SHT_NOTE
      ? [{ key: `note ${section.name}`, name: `a loaded note ${section.name}`, place }]
      : []),
    ...(loaded && !isPlainAlignment(alignment)
      ? [{ key: `alignment ${alignment}`, name: `an alignment of ${alignment} bytes`, place }]
      : []),
  ];
}

/** The loader rounds up to a power of two, from the start of a page. */
function isPlainAlignment(alignment: number): boolean {
  return alignment <= PAGE && (alignment & (alignment - 1)) === 0;
}
