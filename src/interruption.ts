/**
 * What a signal may not cut off, and what has to be ended with this process. A signal ends every command soon, whatever
 * it waits for; `cli/signals.ts` asks here whether it may.
 */
const held = new Set<{ readonly why: string }>();
const lastActs = new Set<() => void>();

/**
 * Does what must not be left half done: a signal does not end this process before it is over.
 * @param why for the person who waits: `what was changed is put back first`
 */
export async function uninterrupted<T>(why: string, act: () => Promise<T>): Promise<T> {
  const one = { why };
  held.add(one);
  try {
    return await act();
  } finally {
    held.delete(one);
  }
}

/** Why this process may not end now; undefined where it may. */
export function whyNotNow(): string | undefined {
  const [first] = held;
  return first?.why;
}

/** Has something done when a signal ends this process at once; answers how to forget it. It may neither wait nor throw. */
export function atDeath(act: () => void): () => void {
  lastActs.add(act);
  return () => void lastActs.delete(act);
}

export function doLastActs(): void {
  for (const act of lastActs) act();
}

/** What a signal aborts a run with. */
export interface Stop extends Error {
  /** The exit status of a run that the signal ended, as shells have it: 128 and the signal's number. */
  readonly exitStatus: number;
}

export function stopBy(exitStatus: number): Stop {
  return Object.assign(new DOMException('stopped by a signal', 'AbortError'), { exitStatus });
}

/** The exit status of a command that goes on until it is stopped; 0 where nothing has stopped it. */
export function statusOfStop({ aborted, reason }: AbortSignal): number {
  return aborted ? (reason as Stop).exitStatus : 0;
}
