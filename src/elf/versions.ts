import { bytesOfSection, type ElfFile } from './elf.ts';
import { damaged, latin1, texts, u32, viewOf } from './view.ts';

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
  if (content.length % RECORD !== 0) damaged('its __versions table is not made of whole records');
  const view = viewOf(content, elf.littleEndian, elf.class);
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
  const view = viewOf(crcs, elf.littleEndian, elf.class);
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
