import { bytesOfSection, type ElfFile, type ElfSymbol, sectionBytes } from './elf.ts';
import { texts, u32, viewOf } from './view.ts';

/** A symbol that the module gives to others. */
export interface ModuleExport {
  readonly name: string;
  /** True for EXPORT_SYMBOL_GPL and its kin. */
  readonly gpl: boolean;
  /** Undefined where the kernel has no modversions, or where the CRC is filled in only by the final link. */
  readonly crc: number | undefined;
}

const KSYMTAB = '__ksymtab_';

/**
 * The exports by name, sorted. An export is a symbol `__ksymtab_NAME` in a section `__ksymtab*` (also
 * `___ksymtab_gpl+NAME` before the final link); its CRC is `__crc_NAME`, either an absolute symbol (to 2.6 and 4.x)
 * or four bytes in its section (4.10 and later): include/linux/export.h, asm-generic/export.h, export-internal.h.
 */
export function exportsOf(elf: ElfFile): readonly ModuleExport[] {
  const crcs = new Map(
    elf.symbols.filter((symbol) => symbol.name.startsWith('__crc_')).map((symbol) => [symbol.name, symbol]),
  );
  const found = new Map<string, ModuleExport>();
  for (const symbol of elf.symbols) {
    if (!symbol.name.startsWith(KSYMTAB) || typeof symbol.section !== 'number') continue;
    const section = elf.sections[symbol.section];
    if (section === undefined || !/^_{2,3}ksymtab(?!_strings)/.test(section.name)) continue;
    const name = symbol.name.slice(KSYMTAB.length);
    const crc = crcs.get(`__crc_${name}`);
    const gpl = /^_{2,3}ksymtab_(?:unused_)?gpl/.test(section.name);
    found.set(name, { name, gpl, crc: crc === undefined ? undefined : crcOf(elf, crc) });
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function crcOf(elf: ElfFile, symbol: ElfSymbol): number | undefined {
  if (symbol.section === 'absolute') return symbol.value >>> 0;
  const section = typeof symbol.section === 'number' ? elf.sections[symbol.section] : undefined;
  if (section === undefined) return undefined;
  return u32(viewOf(sectionBytes(elf, section), elf.littleEndian, elf.class), symbol.value);
}

/** The texts of __ksymtab_strings as they stand: exported names and, on newer kernels, namespaces. */
export function exportStrings(elf: ElfFile): readonly string[] {
  return texts(bytesOfSection(elf, '__ksymtab_strings') ?? new Uint8Array(0));
}
