import type { ElfFile } from '../../elf/elf.ts';
import { type ElfFunction, functionBody, functionsOf } from '../../elf/functions.ts';
import { type Located, sweep } from '../../elf/x86/sweep.ts';
import { LIMITS } from '../../limits.ts';
import { BUSY } from './effects.ts';
import type { Graph } from './graph.ts';

/** The host byte of the branch in its place: DID_BUS_BUSY << 16 (include/scsi/scsi.h, all kernels). */
export const DID_BUS_BUSY = 0x20000;

/**
 * The completion routine's pieces: the function and what GCC split off or cloned from it (.cold, .part.N, .isra.N,
 * .constprop.N). RHEL 4 has it under the same name in mptscsi.ko, 2.4 as a static function. Aliases count once.
 */
export function completionRoutine(functions: readonly ElfFunction[]): readonly ElfFunction[] {
  const pieces = functions.filter((fn) => /^mptscsih?_io_done(?:\.|$)/.test(fn.name) && fn.size > 0);
  const places = new Map(pieces.map((fn) => [`${fn.section.index}:${fn.offset}`, fn]));
  return [...places.values()];
}

/**
 * Host bytes that every completion routine of this driver, from 2.4 to 6.x, gives to some failed command:
 * DID_NO_CONNECT, DID_BAD_TARGET, DID_RESET, DID_SOFT_ERROR.
 */
const LANDMARKS = [0x10000, 0x40000, 0x80000, 0xb0000];

/** How many of the four known results the code makes; fewer than three mean that it is not what its name says. */
export function landmarks(graph: Graph): number {
  const seen = new Set(graph.steps.flatMap(({ instruction }) => constantOf(instruction)));
  return LANDMARKS.filter((value) => seen.has(value)).length;
}

function constantOf({ map, opcode, immediate, immediateRelocation }: Located): number[] {
  const plain =
    map === 0 && (opcode === 0xc7 || opcode === 0x81 || (opcode & 0xf8) === 0xb8 || (opcode & 7) === 5);
  return plain && immediate !== undefined && immediateRelocation === undefined ? [immediate.value] : [];
}

/** The offset of the result in its struct: where most of the plain stores of known results go. */
export function resultOffset(graph: Graph): number | undefined {
  const counts = new Map<number, number>();
  for (const { instruction } of graph.steps) {
    const { map, opcode, modrm, displacement, immediate } = instruction;
    const store =
      map === 0 && opcode === 0xc7 && modrm?.mod !== 3 && LANDMARKS.includes(immediate?.value ?? 0);
    const place = displacement?.value ?? 0;
    if (store) counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/**
 * Other functions that contain 0x20008 as an operand: where the routine has none, the branch may have moved there.
 * Undefined where there is more code than any such driver has.
 */
export function elsewhere(
  elf: ElfFile,
  pieces: readonly ElfFunction[],
  mode: 32 | 64,
): readonly string[] | undefined {
  const known = new Set(pieces.map((piece) => piece.symbol.index));
  const others = functionsOf(elf).filter((fn) => !known.has(fn.symbol.index) && fn.size > 0);
  if (others.reduce((sum, fn) => sum + fn.size, 0) > LIMITS.codeBytes) return undefined;
  return others
    .filter((fn) => {
      const { instructions } = sweep(functionBody(elf, fn), mode);
      return instructions?.some(
        (instruction) =>
          instruction.immediateRelocation === undefined &&
          instruction.immediate?.value === DID_BUS_BUSY + BUSY &&
          !onlyReads(instruction),
      );
    })
    .map((fn) => fn.name);
}

/** Comparisons (81 /7, 3d) and tests (f7, a9). */
function onlyReads({ map, opcode, modrm }: Located): boolean {
  if (map !== 0) return false;
  return [0x3d, 0xa9, 0xf7].includes(opcode) || (opcode === 0x81 && ((modrm?.reg ?? 0) & 7) === 7);
}

/** True for a routine of a size that can be real. */
export function plausibleSize(pieces: readonly ElfFunction[]): boolean {
  return pieces.reduce((sum, piece) => sum + piece.size, 0) <= LIMITS.functionBytes;
}
