import { clobbers, type Registers } from './effects.ts';
import { type Graph, onStack } from './graph.ts';
import { moveOf } from './moves.ts';

/** What became of a value that was put into a register. Numbers are indexes of steps. */
export interface Fate {
  /** Where it was joined (or, add, byte put in) with a value that is not a constant, or with BUSY itself. */
  readonly joined: readonly Join[];
  /** Where it was stored to memory that is not the stack. */
  readonly stored: readonly number[];
  /** Why nothing can be said of one of its ways, if so. */
  readonly unclear: string | undefined;
}

export interface Join {
  readonly step: number;
  /** The register that holds the sum; undefined where it was joined into memory. */
  readonly register: number | undefined;
  /** True where only the low byte was written: no join at all unless all of it is stored afterwards. */
  readonly byteOnly: boolean;
}

/** The routine has about a thousand instructions, and a value is rarely in two places. */
const MAX_STATES = 4000;

/**
 * Follows a value from the step behind `start`, where `register` holds it, along all ways until it is overwritten.
 * Copies are followed, also conditional ones; the stack is not, which is said as unclear. With `through` a joined
 * value counts as the value still, so that its store is found; without, a join ends the way.
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
    if (seen.size > MAX_STATES) {
      return { joined: [...joined.values()], stored: [...stored], unclear: 'its ways are too many' };
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
