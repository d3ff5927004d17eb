/** What a long step tells while it runs. The view decides how it is drawn. */
export interface Progress {
  /** A line about what is being done now. */
  note(text: string): void;
  /** How far, in bytes; `total` where it is known. */
  bytes(done: number, total?: number): void;
}

export const silentProgress: Progress = { note: () => {}, bytes: () => {} };
