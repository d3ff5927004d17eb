import { readSections, type Sectioned } from './sections.ts';
import { type ElfSymbol, readSymbols } from './symbols.ts';
import { damaged, latin1, u16, type View, viewOf } from './view.ts';

/*
 * This room reads kernel modules: the ELF container, what a module says of itself (modinfo, versions, exports,
 * signature), how its file is packed, and its x86 code. It knows nothing of this driver and of no guest.
 */

/** A relocatable ELF file (a `.ko`, or the `.o` that 2.4 kernels load), as `readElf` returns it. */
export interface ElfFile extends Sectioned {
  /** e_machine. */
  readonly machine: number;
  /** The architecture as uname spells it, such as `x86_64`, or `machine 1234` for one that is not listed. */
  readonly machineName: string;
  readonly symbols: readonly ElfSymbol[];
}

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

const ET_REL = 1;

/** True for bytes that start with the ELF magic number. */
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
  const file = { ...view, sections: readSections(view) };
  const machineName = MACHINES[machine] ?? `machine ${machine}`;
  return { ...file, machine, machineName, symbols: readSymbols(file) };
}

function headerView(bytes: Uint8Array): View {
  if (!isElf(bytes))
    damaged('it does not start like an ELF file; a compressed module must be decompressed first');
  if (bytes.length < 52) damaged('it is truncated inside its header');
  const bits = bytes[4] === 1 ? 32 : bytes[4] === 2 ? 64 : damaged('its ELF class is neither 32 nor 64 bits');
  const littleEndian =
    bytes[5] === 1 ? true : bytes[5] === 2 ? false : damaged('its byte order is not known');
  return viewOf(bytes, { littleEndian, class: bits });
}

/** The bits of the x86 code in the file; undefined for another architecture. */
export function x86Mode({ machine }: Pick<ElfFile, 'machine'>): 32 | 64 | undefined {
  return machine === EM_X86_64 ? 64 : machine === EM_386 ? 32 : undefined;
}
