import { EM_386, EM_X86_64 } from '../elf/elf.ts';
import { versionOrder } from '../versions/kernel-base.ts';

/** What a kernel's module loader knows beside what the guest's own module shows that it knows. */
export interface KnownFeature {
  /** As in `ElfFeature`. */
  readonly keys: readonly string[];
  /** The machine, by e_machine; both where it is left out. */
  readonly machine?: number;
  /** The first mainline version that knows it. */
  readonly since: string;
  readonly source: string;
}

const EVER = '2.6.0';

/**
 * Stable updates of older series took PLT32 over, too (4.4, 4.9 and 4.14 in 2018, for i386 in 2021), and so did vendors.
 * They are not listed: where the guest's own module shows that its kernel knows the type, that is enough, and where it
 * does not, PC32 does the same everywhere.
 */
export const KNOWN_FEATURES: readonly KnownFeature[] = [
  {
    keys: [
      'relocation 0',
      'relocation 1',
      'relocation 2',
      'relocation 10',
      'relocation 11',
      'section type 4',
    ],
    machine: EM_X86_64,
    since: EVER,
    source:
      'apply_relocate_add in arch/x86_64/kernel/module.c of 2.6.9 and 2.6.18: NONE, 64, PC32, 32, 32S; RELA alone',
  },
  {
    keys: ['relocation 1', 'relocation 2', 'section type 9'],
    machine: EM_386,
    since: EVER,
    source:
      'apply_relocate in arch/i386/kernel/module.c of 2.6.9 and 2.6.18: 32 and PC32, not even NONE; REL alone',
  },
  {
    keys: ['relocation 4'],
    machine: EM_X86_64,
    since: '4.16',
    source:
      'mainline commit b21ebf2fb4cde1618915a97cc773e287ff49173e: R_X86_64_PLT32 is taken as R_X86_64_PC32',
  },
  {
    keys: ['relocation 4'],
    machine: EM_386,
    since: '5.12',
    source: 'mainline commit bb73d07148c405c293e576b40af37737faf23a6a: R_386_PLT32 is taken as R_386_PC32',
  },
  {
    keys: [0, 1, 2, 3, 7, 8].map((type) => `section type ${type}`),
    since: EVER,
    source:
      'load_module in kernel/module.c of 2.6.9: any type but NOBITS is copied; the symbol table is looked for',
  },
  {
    keys: [0x1, 0x2, 0x4, 0x10, 0x20, 0x40].map((flag) => `section flag 0x${flag.toString(16)}`),
    since: EVER,
    source:
      'layout_sections in kernel/module.c of 2.6.9: WRITE, ALLOC, EXECINSTR; the rest is for linkers, as ld -r wrote it then',
  },
  {
    keys: [
      ...[0, 1, 2, 3, 4].map((type) => `symbol type ${type}`),
      ...[0, 1, 2].map((binding) => `symbol binding ${binding}`),
    ],
    since: EVER,
    source: 'simplify_symbols and resolve_symbol in kernel/module.c of 2.6.9',
  },
  {
    keys: ['note .note.gnu.build-id', 'note .note.Linux'],
    since: EVER,
    source: 'loaded as data like any other section; shown in /sys/module/NAME/notes from 2.6.24 on',
  },
];

/** The first mainline version that knows a feature on a machine; undefined where none is known to. */
export function knownSince(machine: number, key: string): string | undefined {
  return KNOWN_FEATURES.find((row) => (row.machine ?? machine) === machine && row.keys.includes(key))?.since;
}

/** Whether a mainline kernel of this version (VERSION.PATCHLEVEL.SUBLEVEL) knows a feature. */
export function kernelKnows(machine: number, key: string, version: string): boolean {
  const since = knownSince(machine, key);
  return since !== undefined && versionOrder(version, since) >= 0;
}
