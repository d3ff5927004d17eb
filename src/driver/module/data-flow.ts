import { LIMITS } from '../../limits.ts';
import { clobbers, moveOf, type Registers } from './effects.ts';
import { type Graph, onStack } from './graph.ts';

/** What happens to a value in a register. Numbers are indexes of steps. */
export interface Fate {
  /** Where it was joined (or, add, byte put in) with a value that is not a constant, or with BUSY itself. */
  readonly joined: readonly Join[];
  /** Where it was stored to memory that is not the stack. */
  readonly stored: readonly number[];
  /** Why one of its paths cannot be followed, if so. */
  readonly unclear: string | undefined;
}

export interface Join {
  readonly step: number;
  /** The register that holds the sum; undefined where it was joined into memory. */
  readonly register: number | undefined;
  /** True where only the low byte was written: no join at all unless all of it is stored afterwards. */
  readonly byteOnly: boolean;
}

/**
 * Follows a value from the step after `start`, where `register` holds it, along all paths until it is overwritten.
 * Follows copies, also conditional ones, but not the stack: that is reported as unclear. With `through` a joined
 * value still counts as the value, so that its store is found; without it, a join ends the path.
 */
export function trace(graph: Graph, start: number, register: number, through: boolean): Fate {
  const joined = new Map<number, Join>();
  const stored = new Set<number>();
  let unclear: string | undefined;
  const seen = new Set<string>();
  const queue: [number, Registers][] = (graph.steps[start]?.next ?? []).map((id) => [id, 1 << register]);
  for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
    const [id, held] = entry;
    const state = `${id}/${held}`;
    const step = graph.steps[id];
    if (step === undefined || seen.has(state)) continue;
    seen.add(state);
    if (seen.size > LIMITS.tracedStates) {
      unclear = 'it has too many paths';
      break;
    }
    const gone = held & ~clobbers(step.instruction, graph.mode);
    const move = moveOf(step.instruction, held, gone);
    let after = move.held;
    if (move.event === 'joined') {
      joined.set(id, { step: id, register: move.into, byteOnly: move.byteOnly ?? false });
      if (through && move.into !== undefined) after |= 1 << move.into;
    } else if (move.event === 'stored') {
      if (onStack(graph, step.instruction)) unclear = 'it is kept on the stack';
      else stored.add(id);
    } else if (move.event === 'lost') unclear = 'it is changed in a way that is not followed';
    if (after === 0) continue;
    if (step.indirect) unclear = 'it is carried through a jump table';
    for (const to of step.next) queue.push([to, after]);
  }
  return { joined: [...joined.values()], stored: [...stored], unclear };
}

/** Where a register's value comes from, as far as the straight-line code before a step shows. */
export type Origin =
  | { readonly kind: 'constant'; readonly value: number }
  /** The outcome of a comparison, 0 or 1 or 0 or -1, and the same after simple arithmetic with constants. */
  | { readonly kind: 'mask' }
  | { readonly kind: 'other' };

const OTHER: Origin = { kind: 'other' };
const MASK: Origin = { kind: 'mask' };
const LOOK_BACK = 24;

/** Looks back from `step` within its straight-line code for what wrote `register`. */
export function originOf(graph: Graph, step: number, register: number): Origin {
  let wanted = register;
  for (let id = step - 1; id >= 0 && step - id <= LOOK_BACK; id--) {
    const following = graph.steps[id + 1];
    const current = graph.steps[id];
    if (current === undefined || following === undefined) return OTHER;
    if (following.isTarget || !current.next.includes(id + 1)) return OTHER;
    const { instruction } = current;
    const { map, opcode, modrm } = instruction;
    if (((clobbers(instruction, graph.mode) >> wanted) & 1) === 0) continue;
    const from = modrm?.mod === 3 ? modrm.rm : undefined;
    const zeroing = map === 0 && modrm?.reg === from && [0x29, 0x2b, 0x31, 0x33].includes(opcode);
    if (zeroing) return { kind: 'constant', value: 0 };
    if (map === 1 && (opcode & 0xf0) === 0x90) return MASK;
    if (map === 0 && (opcode === 0x19 || opcode === 0x1b) && modrm?.reg === from) return MASK;
    const constant = map === 0 && ((opcode & 0xf8) === 0xb8 || opcode === 0xc7);
    if (constant && instruction.immediateRelocation === undefined) {
      return { kind: 'constant', value: instruction.immediate?.value ?? 0 };
    }
    const copies = (map === 0 && opcode === 0x8b) || (map === 1 && opcode === 0xb6);
    if (copies && from !== undefined) wanted = from;
    else if (map === 0 && opcode === 0x89 && from === wanted) wanted = modrm?.reg ?? wanted;
    else if (!adjusts(map, opcode, modrm?.reg ?? 0)) return OTHER;
  }
  return OTHER;
}

/** Arithmetic of one register with constants alone: inc, dec, neg, not, shifts, and, add, sub. */
function adjusts(map: number, opcode: number, reg: number): boolean {
  if (map !== 0) return false;
  const group = reg & 7;
  if (opcode === 0xf7) return group === 2 || group === 3;
  if (opcode === 0xff || opcode === 0xfe) return group < 2;
  return (
    [0x80, 0x81, 0x83, 0xc1, 0xd1, 0x05, 0x25, 0x2d].includes(opcode) || (opcode >= 0x40 && opcode < 0x50)
  );
}
