import type { FunctionBody } from '../functions.ts';
import type { Relocation } from '../relocations.ts';
import { decode, type Instruction } from './decode.ts';

/** An instruction of a function, with the relocations that fill in its fields at load time. */
export interface Located extends Instruction {
  /** Set where the immediate or branch distance is filled in by the loader, and so is no constant. */
  readonly immediateRelocation: Relocation | undefined;
  readonly displacementRelocation: Relocation | undefined;
}

export type Sweep =
  | { readonly instructions: readonly Located[]; readonly problem?: undefined }
  | { readonly instructions?: undefined; readonly problem: string };

/** R_386_32 and R_X86_64_64: the whole address of a text, as BUG() put it behind its ud2 up to 2.6.19. */
const WHOLE_ADDRESS = 1;

/**
 * Decodes a function from its first byte to its last. GCC keeps its jump tables for x86 out of the code, so a linear
 * sweep is right, and proves itself: each relocation must fall on a field of an instruction, else the decoding had
 * lost its place, and a problem comes back in place of instructions.
 */
export function sweep(body: FunctionBody, mode: 32 | 64): Sweep {
  const instructions: Located[] = [];
  let next = 0;
  for (let at = 0; at < body.bytes.length; ) {
    const instruction = decode(body.bytes, at, mode);
    if (instruction === undefined)
      return { problem: `the bytes at +0x${at.toString(16)} are not an instruction` };
    const end = at + instruction.length;
    let immediateRelocation: Relocation | undefined;
    let displacementRelocation: Relocation | undefined;
    for (; ; next++) {
      const relocation = body.relocations[next];
      if (relocation === undefined || relocation.offset >= end) break;
      if (relocation.type === 0) continue;
      if (relocation.offset === instruction.immediate?.offset) immediateRelocation = relocation;
      else if (relocation.offset === instruction.displacement?.offset) displacementRelocation = relocation;
      else return { problem: `a relocation falls inside the instruction at +0x${at.toString(16)}` };
    }
    instructions.push({ ...instruction, immediateRelocation, displacementRelocation });
    at = end + bugData(instruction, body.relocations[next], end, mode);
    if (at > end) next++;
  }
  return { instructions };
}

/**
 * Bytes of data behind a ud2. Kernels before 2.6.20 put line and file name there: on i386 two bytes of line and then
 * the address, on x86-64 (before 2.6.12) the address and then two bytes (asm-i386/bug.h, asm-x86_64/bug.h).
 */
function bugData(ud2: Instruction, relocation: Relocation | undefined, end: number, mode: 32 | 64): number {
  if (ud2.map !== 1 || ud2.opcode !== 0x0b || relocation?.type !== WHOLE_ADDRESS) return 0;
  if (mode === 32 && relocation.offset === end + 2) return 6;
  return mode === 64 && relocation.offset === end ? 10 : 0;
}
