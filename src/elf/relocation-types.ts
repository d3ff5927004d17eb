import { type ElfFile, EM_386, EM_X86_64 } from './elf.ts';

/**
 * The names of the relocation types, by number. Source: the psABI of each machine (i386 4.x table 4.9, x86-64 1.0
 * table 4.9), spelled as in binutils' include/elf/i386.h and x86-64.h.
 */
const NAMES: Readonly<Record<number, { readonly prefix: string; readonly names: readonly string[] }>> = {
  [EM_386]: {
    prefix: 'R_386_',
    names: (
      'NONE 32 PC32 GOT32 PLT32 COPY GLOB_DAT JUMP_SLOT RELATIVE GOTOFF GOTPC 32PLT - - TLS_TPOFF TLS_IE ' +
      'TLS_GOTIE TLS_LE TLS_GD TLS_LDM 16 PC16 8 PC8 TLS_GD_32 TLS_GD_PUSH TLS_GD_CALL TLS_GD_POP TLS_LDM_32 ' +
      'TLS_LDM_PUSH TLS_LDM_CALL TLS_LDM_POP TLS_LDO_32 TLS_IE_32 TLS_LE_32 TLS_DTPMOD32 TLS_DTPOFF32 TLS_TPOFF32 ' +
      'SIZE32 TLS_GOTDESC TLS_DESC_CALL TLS_DESC IRELATIVE GOT32X'
    ).split(' '),
  },
  [EM_X86_64]: {
    prefix: 'R_X86_64_',
    names: (
      'NONE 64 PC32 GOT32 PLT32 COPY GLOB_DAT JUMP_SLOT RELATIVE GOTPCREL 32 32S 16 PC16 8 PC8 DTPMOD64 DTPOFF64 ' +
      'TPOFF64 TLSGD TLSLD DTPOFF32 GOTTPOFF TPOFF32 PC64 GOTOFF64 GOTPC32 GOT64 GOTPCREL64 GOTPC64 GOTPLT64 ' +
      'PLTOFF64 SIZE32 SIZE64 GOTPC32_TLSDESC TLSDESC_CALL TLSDESC IRELATIVE RELATIVE64 PC32_BND PLT32_BND ' +
      'GOTPCRELX REX_GOTPCRELX'
    ).split(' '),
  },
};

/** A type's name, such as `R_X86_64_PLT32`; only its number where the machine's table does not list it. */
export function relocationName({ machine, machineName }: TypedFor, type: number): string {
  const known = NAMES[machine];
  const name = known?.names[type];
  return known === undefined || name === undefined || name === '-'
    ? `relocation type ${type} of ${machineName}`
    : `${known.prefix}${name}`;
}

type TypedFor = Pick<ElfFile, 'machine' | 'machineName'>;

/** Both machines number them alike: the distance to a symbol, and to its entry in a procedure linkage table. */
export const PC32 = 2;
export const PLT32 = 4;

/** STT_GNU_IFUNC: the symbol is a function that answers where the real one is. */
const GNU_IFUNC = 10;

/**
 * True for a PLT32 that means what a PC32 there means. A module has no procedure linkage table: the kernel puts the
 * distance to the symbol itself into either (S + A - P). Only an indirect function would need a table.
 */
export function isPlainBranch(
  { machine }: Pick<ElfFile, 'machine'>,
  { type, symbol }: { readonly type: number; readonly symbol: { readonly info: number } },
): boolean {
  return (machine === EM_386 || machine === EM_X86_64) && type === PLT32 && (symbol.info & 15) !== GNU_IFUNC;
}

/** The bytes that a relocation of i386 fills in: i386 psABI, table 4.9. Types that are in no module count as four. */
export function widthOn386(type: number): 0 | 1 | 2 | 4 {
  if (type === 0) return 0;
  if (type === 20 || type === 21) return 2;
  return type === 22 || type === 23 ? 1 : 4;
}
