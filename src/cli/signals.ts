/** The first signal asks the run to put things back and end; it is never cut off in the middle of a write. */
export function watchSignals(): { signal: AbortSignal; number: () => number; stop: () => void } {
  const controller = new AbortController();
  let number = 2;
  const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
  const stop = (name: NodeJS.Signals): void => {
    number = numbers[name as keyof typeof numbers];
    controller.abort();
  };
  for (const name of Object.keys(numbers)) process.on(name, stop);
  return {
    signal: controller.signal,
    number: () => number,
    stop: () => {
      for (const name of Object.keys(numbers)) process.off(name, stop);
    },
  };
}
