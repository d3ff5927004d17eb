import { doLastActs, stopBy, whyNotNow } from '../interruption.ts';
import { say } from '../ui/output.ts';

/** What signals ask of a run. */
export interface Interrupts {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The exit status of a run that a signal ended, as shells have it: 128 and the signal's number. */
  readonly status: () => number;
  /** The run has ended, and has reported how. */
  readonly stop: () => void;
}

const NUMBERS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
type Name = keyof typeof NUMBERS;
const NAMES = Object.keys(NUMBERS) as Name[];

/** Whoever sent a signal waits two seconds at most. Until then the run may clear away what it has made. */
const GRACE_MS = 1700;
const AGAIN_MS = 100;
const FORCE_MS = 200;

/**
 * The first signal asks the run to put things back and end. One that does not, because it waits for a file or a program
 * that never answers, is ended after `GRACE_MS`; one that puts things back, when that is done.
 * @param giveUp reports a run that is ended like that
 */
export function watchSignals(giveUp: () => void = () => {}): Interrupts {
  const controller = new AbortController();
  let first: Name | undefined;
  let isOver = false;
  const endSoon = (name: Name, after: number): void => {
    // It does not keep this process alive: what has ended in time needs it not.
    const timer = setTimeout(() => {
      if (whyNotNow() !== undefined) return untilFree(name);
      if (!isOver) giveUp();
      endBy(name);
    }, after);
    timer.unref();
  };
  const untilFree = (name: Name): void => {
    const timer = setInterval(() => {
      if (whyNotNow() !== undefined) return;
      clearInterval(timer);
      endSoon(name, GRACE_MS);
    }, AGAIN_MS);
    timer.unref();
  };
  const stop = (name: NodeJS.Signals): void => {
    const why = whyNotNow();
    if (why !== undefined) say(`${name}: ${why}`);
    if (first !== undefined) return;
    first = name as Name;
    controller.abort(stopBy(statusBy(first)));
    endSoon(first, GRACE_MS);
  };
  for (const name of NAMES) process.on(name, stop);
  return {
    signal: controller.signal,
    status: () => statusBy(first ?? 'SIGINT'),
    stop: () => {
      isOver = true;
      for (const name of NAMES) process.off(name, stop);
    },
  };
}

function statusBy(name: Name): number {
  return 128 + NUMBERS[name];
}

/**
 * For a run that has nothing to put back: the first signal reports it and ends it, whatever it waits for.
 * Answers how to stop watching.
 */
export function endAtSignal(report: () => void): () => void {
  const end = (name: NodeJS.Signals): void => {
    report();
    endBy(name as Name);
  };
  for (const name of NAMES) process.once(name, end);
  return () => {
    for (const name of NAMES) process.off(name, end);
  };
}

/** Node's own exit waits for calls that never return, such as that of a FIFO that nobody writes to. */
function endBy(name: Name): void {
  doLastActs();
  process.removeAllListeners(name);
  process.kill(process.pid, name);
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), FORCE_MS);
}
