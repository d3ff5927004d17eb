import { LIMITS } from '../limits.ts';
import type { ElfFile } from './elf.ts';
import { bytesOfSection, SHT_NOTE, sectionBytes } from './sections.ts';
import type { ElfSymbol } from './symbols.ts';
import { damaged, latin1, type NumberFormat, slice, textAt, texts, u32, viewOf } from './view.ts';

/** Fields of .modinfo in the file's order of first appearance; a field may come more than once (alias, parm). */
export type Modinfo = ReadonlyMap<string, readonly string[]>;

/**
 * Reads .modinfo: NUL-terminated `key=value` texts, as the kernel's include/linux/moduleparam.h makes them. Empty
 * where the section is missing. 2.4 modules have it too, with `kernel_version` in place of `vermagic`.
 */
export function modinfo(elf: ElfFile): Modinfo {
  const fields = new Map<string, string[]>();
  for (const text of texts(bytesOfSection(elf, '.modinfo') ?? new Uint8Array(0))) {
    const equals = text.indexOf('=');
    if (equals <= 0) continue;
    const key = text.slice(0, equals);
    const values = fields.get(key);
    if (values === undefined) fields.set(key, [text.slice(equals + 1)]);
    else values.push(text.slice(equals + 1));
  }
  return fields;
}

/** The first value of a field. */
export function modinfoField(info: Modinfo, key: string): string | undefined {
  return info.get(key)?.[0];
}

/**
 * The name that the module gives itself: .modinfo's `name` (4.12 and later), else the start of `struct module` in
 * .gnu.linkonce.this_module, where the name follows an enum (with padding) and a list head of two pointers: offset
 * 24 on 64 bits, 12 on 32 bits (include/linux/module.h, 2.6.0 to 6.x). Undefined on 2.4, where only the file has it.
 */
export function moduleName(elf: ElfFile): string | undefined {
  const stated = modinfoField(modinfo(elf), 'name');
  if (stated !== undefined) return stated;
  const content = bytesOfSection(elf, '.gnu.linkonce.this_module');
  if (content === undefined) return undefined;
  const start = elf.class === 64 ? 24 : 12;
  const name = textAt(content, start, Math.min(content.length, start + 64));
  return /^[\w-]+$/.test(name) ? name : undefined;
}

/** The CRC that each symbol which the module imports had when it was built. */
export type ModuleVersions = ReadonlyMap<string, number>;

const RECORD = 64;

/**
 * The imported symbols' CRCs (modversions), empty for a module without. Read from, in this order of preference:
 * `__version_ext_crcs` with `__version_ext_names` (CONFIG_EXTENDED_MODVERSIONS, 6.14 and later), `__versions`
 * (`struct modversion_info`: an unsigned long and a name, together 64 bytes), and 2.4's way of writing the CRC into
 * the symbol's name (`printk_R1b7d4074`, `printk_Rsmp_1b7d4074`). Names are returned without that suffix.
 */
export function moduleVersions(elf: ElfFile): ModuleVersions {
  const extended = extendedVersions(elf);
  if (extended.size > 0) return extended;
  const content = bytesOfSection(elf, '__versions');
  if (content === undefined) return suffixedVersions(elf);
  if (content.length > LIMITS.tableBytes) damaged('its __versions table has an impossible size');
  if (content.length % RECORD !== 0) damaged('its __versions table is not made of whole records');
  const view = viewOf(content, elf);
  const crcSize = elf.class / 8;
  const found = new Map<string, number>();
  for (let at = 0; at < content.length; at += RECORD) {
    // A CRC has 32 bits also where its field has 64; on a big-endian machine they are the last four bytes.
    const crc = u32(view, elf.littleEndian ? at : at + crcSize - 4);
    const name = latin1(content.subarray(at + crcSize, at + RECORD)).split('\0', 1)[0] ?? '';
    if (name !== '') found.set(name, crc);
  }
  return found;
}

function extendedVersions(elf: ElfFile): ModuleVersions {
  const crcs = bytesOfSection(elf, '__version_ext_crcs');
  const names = bytesOfSection(elf, '__version_ext_names');
  if (crcs === undefined || names === undefined) return new Map();
  const view = viewOf(crcs, elf);
  const list = texts(names);
  if (list.length * 4 !== crcs.length) damaged('its extended version tables do not match each other');
  return new Map(list.map((name, index) => [name, u32(view, index * 4)]));
}

function suffixedVersions(elf: ElfFile): ModuleVersions {
  const found = new Map<string, number>();
  for (const { name, section } of elf.symbols) {
    if (section !== 'undefined' || !/^[0-9a-f]{8}$/.test(name.slice(-8))) continue;
    // The infix names the kind of kernel, such as smp or smp2gig; it is short, so that the search is.
    const suffix = /_R(?:\w{1,16}_)?$/.exec(name.slice(-28, -8));
    const base = suffix === null ? '' : name.slice(0, -8 - suffix[0].length);
    if (base !== '') found.set(base, Number.parseInt(name.slice(-8), 16));
  }
  return found;
}

/** A symbol that the module gives to others. */
export interface ModuleExport {
  readonly name: string;
  /** True for EXPORT_SYMBOL_GPL and its variants. */
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
  return u32(viewOf(sectionBytes(elf, section), elf), symbol.value);
}

const NT_GNU_BUILD_ID = 3;

/** The linker's build-id as lower-case hex, from the GNU note of that type; undefined where there is none. */
export function buildId(elf: ElfFile): string | undefined {
  const section = elf.sections.find(({ type, name }) => type === SHT_NOTE && name === '.note.gnu.build-id');
  return section === undefined ? undefined : buildIdOfNotes(sectionBytes(elf, section), elf);
}

/** The same from the notes alone, as the kernel shows them in /sys/module/NAME/notes. */
export function buildIdOfNotes(content: Uint8Array, format: NumberFormat): string | undefined {
  const view = viewOf(content, format);
  for (let at = 0; at + 12 <= content.length; ) {
    const nameSize = u32(view, at);
    const descSize = u32(view, at + 4);
    const name = slice(content, at + 12, nameSize, 'a note');
    const descAt = at + 12 + padded(nameSize);
    const desc = slice(content, descAt, descSize, 'a note');
    if (u32(view, at + 8) === NT_GNU_BUILD_ID && nameSize === 4 && latin1(name) === 'GNU\0') {
      return Buffer.from(desc).toString('hex');
    }
    at = descAt + padded(descSize);
  }
  return undefined;
}

function padded(size: number): number {
  return Math.ceil(size / 4) * 4;
}
