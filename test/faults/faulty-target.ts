import type { Target } from '../../src/machine/port.ts';

/** What happens at one effect. `before` and `after` may end the process, or change the file system beneath it. */
export interface Fault {
  /** Which effect, counted from 1; 0 is none: the effects are only counted. */
  readonly at: number | 'each';
  readonly before?: () => void;
  readonly after?: () => void;
}

/** Every effect passes the port: what happens at each of its writes covers each step of the journal, and more. */
const EFFECTS = [
  'write',
  'copy',
  'append',
  'mkdir',
  'link',
  'hardLink',
  'rename',
  'remove',
  'removeTree',
  'setMtime',
  'copyAttributes',
  'sync',
] as const satisfies readonly (keyof Target)[];

export interface FaultyTarget {
  readonly target: Target;
  /** The effects so far, in words: their number is how many places there are for a fault. */
  readonly effects: readonly string[];
}

/** The target, with a fault at one of its effects. */
export function faultyTarget(target: Target, fault: Fault): FaultyTarget {
  const effects: string[] = [];
  const through = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
    effects.push(what);
    const isHere = fault.at === 'each' || effects.length === fault.at;
    if (isHere) fault.before?.();
    const result = await act();
    if (isHere) fault.after?.();
    return result;
  };
  const wrapped: Record<string, unknown> = {
    run: (...[argv, options]: Parameters<Target['run']>) =>
      options.effect === 'write'
        ? through(`run ${argv[0]}`, () => target.run(argv, options))
        : target.run(argv, options),
  };
  for (const name of EFFECTS) {
    const act = target[name] as (...args: unknown[]) => Promise<unknown>;
    wrapped[name] = (...args: unknown[]) => through(`${name} ${String(args[0])}`, () => act(...args));
  }
  return { target: { ...target, ...wrapped } as Target, effects };
}
