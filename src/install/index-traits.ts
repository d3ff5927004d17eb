import { readElf } from '../elf/elf.ts';
import { exportsOf, modinfo } from '../elf/module-data.ts';

/**
 * In what the index would differ for two files of one module: undefined where a depmod would write the same for both.
 * Takes unpacked modules. Throws E_CANNOT_DECIDE for what is none.
 */
export function indexDifference(before: Uint8Array, after: Uint8Array): string | undefined {
  const [one, other] = [traits(before), traits(after)];
  for (const what of Object.keys(one) as (keyof typeof one)[])
    if (one[what].join('\n') !== other[what].join('\n')) return what;
  return undefined;
}

/**
 * All that a depmod takes from a module: what it needs, what it gives to others, its aliases, its tables of devices (for
 * modules.pcimap and the like). Sources: depmod.c and moduleops_core.c of module-init-tools 3.3, depmod.c of kmod 30.
 */
function traits(bytes: Uint8Array) {
  const elf = readElf(bytes);
  const info = modinfo(elf);
  const values = (name: string): readonly string[] =>
    (info.get(name) ?? []).map((value) => `${name}=${value}`).sort();
  const symbols = (wanted: (symbol: (typeof elf.symbols)[number]) => boolean): readonly string[] =>
    [...new Set(elf.symbols.filter(wanted).map(({ name }) => name))].sort();
  // A module of 2.6 and later names the modules that it needs; what it wants of the kernel itself is in no index.
  const depends = info
    .get('depends')
    ?.flatMap((names) => names.split(','))
    .sort();
  const needs = depends ?? symbols(({ name, section }) => section === 'undefined' && name !== '');
  return {
    dependencies: [...needs, ...values('softdep'), ...values('weakdep')],
    exports: exportsOf(elf).map(({ name }) => name),
    aliases: values('alias'),
    'tables of devices': symbols(({ name }) => name.startsWith('__mod_')),
  };
}
