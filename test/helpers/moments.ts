/** Tries at one moment, before it is left at the run that had ended by then. */
const TRIES = 5;

/**
 * Moments spread over runs of about the same length, for signals. A machine that others use is now slow, now fast: a run
 * that had ended before its moment tells how long one takes by now, and the moment is tried again. So the moments stay
 * within the runs, whatever the first one took.
 *
 * @param length milliseconds that a whole run took
 */
export function momentsWithin(length: number) {
  let taken = length;
  return {
    /** Calls `act` with milliseconds after a start; it answers whether the run was still there. `part`: 0 to 1. */
    at: async (part: number, act: (delay: number) => Promise<boolean>): Promise<void> => {
      for (let tries = 0; tries < TRIES; tries += 1) {
        const started = performance.now();
        if (await act(part * taken)) return;
        taken = Math.min(taken, performance.now() - started);
      }
    },
  };
}
