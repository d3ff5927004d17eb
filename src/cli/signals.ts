/** What signals ask of a run. */
export interface Interrupts {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The exit status of a run that a signal ended, as shells have it: 128 and the signal's number. */
  readonly status: () => number;
  readonly stop: () => void;
}

const NUMBERS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/** The first signal asks the run to put things back and end; a write is never cut off. */
export function watchSignals(): Interrupts {
  const controller = new AbortController();
  let number: number = NUMBERS.SIGINT;
  const stop = (name: NodeJS.Signals): void => {
    number = NUMBERS[name as keyof typeof NUMBERS];
    controller.abort();
  };
  for (const name of Object.keys(NUMBERS)) process.on(name, stop);
  return {
    signal: controller.signal,
    status: () => 128 + number,
    stop: () => {
      for (const name of Object.keys(NUMBERS)) process.off(name, stop);
    },
  };
}
