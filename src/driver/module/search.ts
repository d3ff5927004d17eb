import type { Located } from '../../elf/x86/sweep.ts';
import { type Fate, originOf, trace } from './data-flow.ts';
import { BUSY } from './effects.ts';
import { type Graph, onStack } from './graph.ts';

/** What a routine does with one host byte (DID_*) of a command's result. */
export interface HostByteUse {
  /** Steps where the host byte and a status, or the host byte and BUSY, become a result. */
  readonly hits: readonly number[];
  /** Uses that may or may not be that, and why. */
  readonly unclear: readonly { readonly step: number; readonly why: string }[];
}

/** Shared by all searches in one module. The driver's own routine needs some ten. */
export interface Budget {
  traces: number;
}

interface Search {
  readonly graph: Graph;
  /** Host byte in its place, such as 0x20000 for DID_BUS_BUSY. */
  readonly host: number;
  /** Offset of the result in its struct, where the routine's plain stores show it. */
  readonly resultOffset: number | undefined;
  /** Values that may still be followed; a hostile file has more of them than any driver. */
  readonly budget: Budget;
  readonly hits: Set<number>;
  readonly unclear: Map<number, string>;
}

/**
 * Finds where a routine joins a host byte with a SCSI status. A store of the bare host byte, as for a lost SAS nexus,
 * does not count, nor does a comparison or test with such a number.
 */
export function searchHostByte(
  graph: Graph,
  host: number,
  resultOffset: number | undefined,
  budget: Budget,
): HostByteUse {
  const search: Search = { graph, host, resultOffset, budget, hits: new Set(), unclear: new Map() };
  for (let step = 0; step < graph.steps.length; step++) judge(search, step);
  const unclear = [...search.unclear].filter(([step]) => !search.hits.has(step));
  return {
    hits: [...search.hits].sort((a, b) => a - b),
    unclear: unclear.map(([step, why]) => ({ step, why })),
  };
}

function judge(search: Search, step: number): void {
  const instruction = search.graph.steps[step]?.instruction;
  if (instruction === undefined || instruction.vector) return;
  if (instruction.immediateRelocation !== undefined) return;
  const { map, opcode, modrm } = instruction;
  const group = (modrm?.reg ?? 0) & 7;
  const target = modrm?.mod === 3 ? modrm.rm : undefined;
  const value = instruction.immediate?.value;
  const bit = Math.log2(search.host);
  if (map === 1) {
    if (opcode === 0xba && group === 5 && value === bit) joinConstant(search, step, target, search.host);
    return;
  }
  if (map !== 0) return;
  if (opcode === 0xc7) moveConstant(search, step, target);
  else if (opcode >= 0xb8 && opcode <= 0xbf) moveConstant(search, step, instruction.opcodeRegister);
  else if (opcode === 0x81) arithmeticConstant(search, step, group, target);
  else if (opcode < 0x40 && (opcode & 7) === 5) arithmeticConstant(search, step, opcode >> 3, 0);
  else if (opcode === 0x8d) addressSum(search, step, instruction);
  else if (opcode === 0xc1 && group === 4 && value === bit) maskedHost(search, step, target);
  else if (opcode === 0x69 && value === search.host) maskedHost(search, step, modrm?.reg);
  else if (opcode === 0x80 || opcode === 0xc6) byteOfResult(search, step, instruction);
}

function isWhole(search: Search, value: number | undefined): boolean {
  return value === search.host + BUSY;
}

/** mov: the whole constant is the branch itself; the bare host byte counts only once a status joins it. */
function moveConstant(search: Search, step: number, register: number | undefined): void {
  const { graph, host } = search;
  const instruction = graph.steps[step]?.instruction;
  const value = instruction?.immediate?.value;
  if (instruction === undefined || (value !== host && !isWhole(search, value))) return;
  if (register !== undefined) {
    const ifNotStored = 'the constant is built, but where it goes is unclear';
    if (value === host) followHost(search, step, register, true);
    else followResult(search, step, register, { ifNotStored, anywhere: true });
  } else if (onStack(graph, instruction)) search.unclear.set(step, 'the constant is kept on the stack');
  else if (isWhole(search, value)) search.hits.add(step);
}

/** @param kind as in effects.ts: add 0, or 1, and 4, sub 5, xor 6; `target` undefined: a place in memory */
function arithmeticConstant(search: Search, step: number, kind: number, target: number | undefined): void {
  const { graph, host } = search;
  const value = graph.steps[step]?.instruction.immediate?.value;
  if (value === undefined) return;
  // Subtracting the negative is adding.
  const sum = kind === 1 || kind === 0 || kind === 6 ? value : kind === 5 ? -value : undefined;
  if (sum === host || isWhole(search, sum)) joinConstant(search, step, target, sum ?? host);
  if (kind === 4 && target !== undefined) {
    if (value === host) maskedHost(search, step, target);
    else if (isWhole(search, value) && originOf(graph, step, target).kind === 'mask') {
      const ifNotStored = 'the constant is masked, but where it goes is unclear';
      followResult(search, step, target, { ifNotStored, anywhere: true });
    }
  }
}

/** The host byte is joined, as a constant, with what a register or a place in memory holds. */
function joinConstant(search: Search, step: number, target: number | undefined, constant: number): void {
  const { graph, host } = search;
  const instruction = graph.steps[step]?.instruction;
  if (instruction === undefined) return;
  if (target === undefined) {
    const elsewhere = onStack(graph, instruction) || !fitsResult(search, instruction);
    if (elsewhere) search.unclear.set(step, 'the host byte is joined into a place that is not the result');
    else search.hits.add(step);
    return;
  }
  const origin = originOf(graph, step, target);
  const constants = origin.kind !== 'other' && !isWhole(search, constant);
  if (constants && !(origin.kind === 'constant' && (origin.value & 0xff) === BUSY)) {
    // A choice between two constants, such as a lost nexus or a reset: bare host bytes.
    followHost(search, step, target, true);
    return;
  }
  // On 64 bits it is arithmetic on an address or a set of flags, unless it ends as a result.
  const why = `0x${host.toString(16)} is joined with a value that cannot be followed`;
  followResult(search, step, target, { ifNotStored: instruction.operandSize === 64 ? undefined : why });
}

function addressSum(search: Search, step: number, instruction: Located): void {
  const { modrm, displacement } = instruction;
  const distance = displacement?.value;
  if (modrm === undefined || instruction.displacementRelocation !== undefined) return;
  if (distance !== search.host && !isWhole(search, distance)) return;
  const from = modrm.base ?? modrm.index;
  if (from === undefined) return;
  const origin =
    modrm.base !== undefined && modrm.index !== undefined
      ? { kind: 'other' }
      : originOf(search.graph, step, from);
  if (origin.kind === 'other') followResult(search, step, modrm.reg);
  else followHost(search, step, modrm.reg, true);
}

/** A register now holds the bare host byte or zero: of a comparison's outcome, or of a flag word. */
function maskedHost(search: Search, step: number, register: number | undefined): void {
  if (register === undefined) return;
  followHost(search, step, register, originOf(search.graph, step, register).kind === 'mask');
}

function follow(search: Search, step: number, register: number, through: boolean): Fate {
  search.budget.traces -= 1;
  if (search.budget.traces < 0)
    return { joined: [], stored: [], unclear: 'there are too many values like it' };
  return trace(search.graph, step, register, through);
}

function followHost(search: Search, step: number, register: number, certain: boolean): void {
  const fate = follow(search, step, register, false);
  if (fate.unclear !== undefined) search.unclear.set(step, `the host byte is lost: ${fate.unclear}`);
  for (const join of fate.joined) {
    const why = join.byteOnly ? undefined : 'a host byte or a flag is joined with another value';
    if (!certain && why !== undefined) search.unclear.set(join.step, why);
    else if (join.register !== undefined)
      followResult(search, join.step, join.register, { ifNotStored: why });
    else search.hits.add(join.step);
  }
}

interface ResultRule {
  /** What to report where the value is not stored at all; nothing where that has a plain reason, such as arithmetic on an address. */
  readonly ifNotStored?: string | undefined;
  /** Any store counts: the number alone proves what it is. Without it only a store to the result's place counts. */
  readonly anywhere?: boolean;
}

/** A register now holds host byte and status together: a hit once it is stored as a result. */
function followResult(
  search: Search,
  step: number,
  register: number,
  { ifNotStored, anywhere = false }: ResultRule = {},
): void {
  const fate = follow(search, step, register, true);
  const fits = (id: number) => {
    const instruction = search.graph.steps[id]?.instruction;
    return (
      instruction !== undefined &&
      instruction.operandSize === 32 &&
      (anywhere || fitsResult(search, instruction))
    );
  };
  if (fate.stored.some(fits)) search.hits.add(step);
  else if (fate.unclear !== undefined) search.unclear.set(step, `the sum is lost: ${fate.unclear}`);
  else if (ifNotStored !== undefined) search.unclear.set(step, ifNotStored);
}

/** True where a memory operand may be the result: it has the offset of the plain stores, or that offset is unknown. */
function fitsResult(search: Search, instruction: Located): boolean {
  return search.resultOffset === undefined || (instruction.displacement?.value ?? 0) === search.resultOffset;
}

/** The host byte alone, at its own place in the result: joined it is the branch, stored it may be anything. */
function byteOfResult(search: Search, step: number, instruction: Located): void {
  const { resultOffset, host } = search;
  const { modrm, displacement, immediate, opcode } = instruction;
  if (resultOffset === undefined || modrm === undefined || modrm.mod === 3) return;
  if (immediate?.value !== host >> 16 || displacement?.value !== resultOffset + 2) return;
  if (opcode === 0x80 && (modrm.reg & 7) === 1) search.hits.add(step);
  else if (opcode === 0xc6)
    search.unclear.set(step, 'the host byte is stored apart from the rest of the result');
}
