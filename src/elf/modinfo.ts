import { bytesOfSection, type ElfFile, sectionNamed } from './elf.ts';
import { textAt, texts } from './view.ts';

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
  const section = sectionNamed(elf, '.gnu.linkonce.this_module');
  const content = section === undefined ? undefined : bytesOfSection(elf, section.name);
  if (content === undefined) return undefined;
  const start = elf.class === 64 ? 24 : 12;
  const name = textAt(content, start, Math.min(content.length, start + 64));
  return /^[\w-]+$/.test(name) ? name : undefined;
}
