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
