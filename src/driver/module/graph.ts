import type { ElfFile } from '../../elf/elf.ts';
import { type ElfFunction, functionBody } from '../../elf/functions.ts';
import type { Relocation } from '../../elf/relocations.ts';
import { type Located, sweep } from '../../elf/x86/sweep.ts';

/** One instruction in the flow of a routine. */
export interface Step {
  readonly instruction: Located;
  readonly piece: ElfFunction;
  /** Indexes of the steps that may come next. */
  readonly next: readonly number[];
  /** True where control continues at a computed place, such as a switch's jump table. */
  readonly indirect: boolean;
  /** True where some jump of the routine leads here. */
  readonly isTarget: boolean;
}

/** The instructions of a routine's pieces with the ways between them. */
export interface Graph {
  readonly mode: 32 | 64;
  readonly steps: readonly Step[];
  /** True where %rbp is set up as the frame pointer, and so addresses the stack. */
  readonly framePointer: boolean;
}

type Exits = Pick<Step, 'next' | 'indirect'>;

/** Decodes all pieces of a routine and links them. Returns the reason as a text where decoding failed. */
export function graphOf(elf: ElfFile, pieces: readonly ElfFunction[], mode: 32 | 64): Graph | string {
  const located: { readonly instruction: Located; readonly piece: ElfFunction }[] = [];
  for (const piece of pieces) {
    const swept = sweep(functionBody(elf, piece), mode);
    if (swept.problem !== undefined) return `${piece.name}: ${swept.problem}`;
    located.push(...swept.instructions.map((instruction) => ({ instruction, piece })));
  }
  const index = new Map(located.map(({ instruction, piece }, id) => [key(piece, instruction.offset), id]));
  const exits = located.map(({ instruction, piece }, id) =>
    exitsOf(instruction, id + 1 < located.length ? [id + 1] : [], () => targetOf(instruction, piece, index)),
  );
  const targets = new Set(exits.flatMap(({ next }, id) => next.filter((to) => to !== id + 1)));
  const first = located.slice(0, 12).map(({ instruction }) => instruction);
  return {
    mode,
    framePointer: first.some(setsFramePointer),
    steps: located.map((step, id) => ({ ...step, ...(exits[id] ?? NOWHERE), isTarget: targets.has(id) })),
  };
}

const NOWHERE: Exits = { next: [], indirect: false };

function key(piece: ElfFunction, offset: number): string {
  return `${piece.section.index}:${piece.offset + offset}`;
}

/** @param after the step after this one, none at the end; `target` finds where its direct jump leads */
function exitsOf(instruction: Located, after: readonly number[], target: () => readonly number[]): Exits {
  const { map, opcode, modrm } = instruction;
  const fallThrough = { next: after, indirect: false };
  const mayJump = (): Exits => ({ next: [...after, ...target()], indirect: false });
  if (map === 1) {
    if (opcode === 0x0b) return NOWHERE;
    return (opcode & 0xf0) === 0x80 && !instruction.vector ? mayJump() : fallThrough;
  }
  if (map !== 0) return fallThrough;
  if ([0xc2, 0xc3, 0xca, 0xcb, 0xcc, 0xcf].includes(opcode)) return NOWHERE;
  if (opcode === 0xe9 || opcode === 0xeb) {
    const indirect = /indirect_thunk/.test(instruction.immediateRelocation?.name ?? '');
    return { next: target(), indirect };
  }
  const group = (modrm?.reg ?? 0) & 7;
  if (opcode === 0xff && (group === 4 || group === 5)) return { next: [], indirect: true };
  const conditional = (opcode & 0xf0) === 0x70 || (opcode >= 0xe0 && opcode <= 0xe3);
  return conditional ? mayJump() : fallThrough;
}

/** Where a direct jump leads within the routine; nowhere for one that leaves it. */
function targetOf(instruction: Located, piece: ElfFunction, index: ReadonlyMap<string, number>): number[] {
  const relocation = instruction.immediateRelocation;
  const place =
    relocation === undefined
      ? key(piece, instruction.target ?? -1)
      : relocatedTarget(instruction, relocation);
  const id = index.get(place);
  return id === undefined ? [] : [id];
}

/** A relocated branch distance counts from its own field; the processor counts from the instruction's end. */
function relocatedTarget(instruction: Located, relocation: Relocation): string {
  const toEnd = instruction.offset + instruction.length - relocation.offset;
  return `${relocation.symbol.section}:${relocation.symbol.value + (relocation.addend ?? 0) + toEnd}`;
}

function setsFramePointer({ map, opcode, modrm }: Located): boolean {
  if (map !== 0 || modrm?.mod !== 3) return false;
  return (
    (opcode === 0x89 && modrm.reg === 4 && modrm.rm === 5) ||
    (opcode === 0x8b && modrm.reg === 5 && modrm.rm === 4)
  );
}

/** True where an instruction's memory operand lies on the stack. */
export function onStack(graph: Graph, { modrm }: Located): boolean {
  if (modrm === undefined || modrm.mod === 3) return false;
  return modrm.base === 4 || (modrm.base === 5 && graph.framePointer);
}
