import { type ElfFile, EM_X86_64, readElf } from './elf.ts';
import { isPlainBranch, PC32 } from './relocation-types.ts';
import { relocationsOf } from './relocations.ts';

/** A module whose branches have been given the older type, and how many they were. */
export interface PlainBranches {
  readonly bytes: Buffer;
  readonly edited: number;
}

/**
 * Gives each PLT32 relocation of an x86 module the type PC32, where both mean the same; all else stays byte for byte.
 * binutils from 2.31 on writes R_X86_64_PLT32 for every branch (its commit bd7ab16b4537), and compilers of position-
 * independent code R_386_PLT32. A module of another machine comes back as it is. Throws E_CANNOT_DECIDE for damaged files.
 */
export function plainBranches(module: Uint8Array): PlainBranches {
  const elf = readElf(module);
  const bytes = Buffer.from(module);
  const entries = plt32Entries(elf);
  // The type is in the low bits of r_info, which follows r_offset: 32 bits of 64, 8 of 32 (elf(5), ELF64_R_TYPE).
  for (const at of entries) {
    if (elf.class === 64) bytes.writeUInt32LE(PC32, at + 8);
    else bytes.writeUInt8(PC32, at + 4);
  }
  return { bytes, edited: entries.size };
}

/** Where the entries lie in the file; one that is in two tables counts once. */
function plt32Entries(elf: ElfFile): ReadonlySet<number> {
  const isX86 = elf.littleEndian && elf.class === (elf.machine === EM_X86_64 ? 64 : 32);
  if (!isX86) return new Set();
  const all = elf.sections.flatMap((section) => relocationsOf(elf, section));
  return new Set(all.filter((one) => isPlainBranch(elf, one)).map(({ entryAt }) => entryAt));
}
