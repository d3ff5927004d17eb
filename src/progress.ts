/** What a long step tells while it runs. The view decides how it is drawn. */
export interface Progress {
  /** A line about what is being done now. */
  note(text: string): void;
  /** How far, in bytes; `total` where it is known. */
  bytes(done: number, total?: number): void;
}

/** One step of a long run: a title, and a call of the verb that does it. */
export interface Step {
  readonly title: string;
  /** Answers a short result for the step's line. */
  readonly run: (progress: Progress) => Promise<string | undefined>;
}

export const silentProgress: Progress = { note: () => {}, bytes: () => {} };

/** What a step of a chain gives: the value that the next one takes, and a short result for its own line. */
export interface StepResult<T> {
  readonly value: T;
  readonly text?: string | undefined;
}

/** Steps that run one after the other, each with what the one before it gave. */
export interface StepChain<T> {
  /** In their order, for the view that runs them. */
  readonly steps: readonly Step[];
  /** What the last step gave; pending until it has run. */
  readonly result: Promise<T>;
  /** The chain with one more step. */
  next<U>(title: string, run: (value: T, progress: Progress) => Promise<StepResult<U>>): StepChain<U>;
}

/** Begins a chain; nothing runs until a view runs its `steps`. */
export function firstStep<T>(
  title: string,
  run: (progress: Progress) => Promise<StepResult<T>>,
): StepChain<T> {
  return lengthened([], title, run);
}

function lengthened<T>(
  before: readonly Step[],
  title: string,
  act: (progress: Progress) => Promise<StepResult<T>>,
): StepChain<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  // The view hears of a failure; nobody need wait for the value then.
  promise.catch(() => {});
  const run: Step['run'] = async (progress) => {
    try {
      const { value, text } = await act(progress);
      resolve(value);
      return text;
    } catch (error) {
      reject(error);
      throw error;
    }
  };
  const steps = [...before, { title, run }];
  return {
    steps,
    result: promise,
    next: (nextTitle, next) =>
      lengthened(steps, nextTitle, async (progress) => next(await promise, progress)),
  };
}
