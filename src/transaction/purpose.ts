import { STATE_FOLDER } from '../machine/folders.ts';

/** What a transaction is for: an installed module, policies and timeouts, the watch's schedule. */
export type Purpose = keyof typeof PURPOSES;

interface Place {
  readonly folder: string;
  /**
   * The name of the record in a transaction's folder. Those of the first two are what mptfix 0.1 called its own, whose
   * content was another: so that neither version takes the other's state for one that was never begun.
   */
  readonly record: string;
  /** A file that is written when every step is done, and tells in `after` what files they left. */
  readonly finished?: string;
  /** Whether the record stays when all is done, for a later undo; and when all is put back, as its history. */
  readonly keeps: { readonly committed: boolean; readonly undone: boolean };
}

const PURPOSES = {
  install: {
    folder: `${STATE_FOLDER}/generations`,
    record: 'originals.json',
    finished: 'manifest.json',
    keeps: { committed: true, undone: true },
  },
  harden: {
    folder: `${STATE_FOLDER}/harden`,
    record: 'set.json',
    keeps: { committed: true, undone: false },
  },
  /** `watch uninstall` knows the schedule by its names and marks, no matter what wrote it: it needs no record. */
  schedule: {
    folder: `${STATE_FOLDER}/schedule`,
    record: 'record.json',
    keeps: { committed: false, undone: false },
  },
} as const satisfies Readonly<Record<string, Place>>;

export function placeOf(purpose: Purpose): Place {
  return PURPOSES[purpose];
}

export const PURPOSE_NAMES = Object.keys(PURPOSES) as readonly Purpose[];

export function transactionFolder(purpose: Purpose, number: number): string {
  return `${placeOf(purpose).folder}/${number}`;
}
