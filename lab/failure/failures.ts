import type { FailureKind } from '../trial/record.ts';

/** What the storage does with each command of a disk whose path fails over. */
export type Failure =
  /** It refuses the command with this status, and with sense data where the status is CHECK CONDITION. */
  | { readonly does: 'refuse'; readonly status: number; readonly sense?: Sense }
  /** It carries the command out, and answers late. */
  | { readonly does: 'hold-back' }
  /** It drops the connection, and accepts no other. */
  | { readonly does: 'drop' };

/** Source: SPC-4, 4.5 (sense key, additional sense code, its qualifier). */
export interface Sense {
  readonly key: number;
  readonly code: number;
  readonly qualifier: number;
}

const CHECK_CONDITION = 0x02;

/** Sources: status codes: SAM-5, 5.3.1; sense: SPC-4, tables 28 (keys) and 29 (codes). */
export const FAILURES: Readonly<Record<FailureKind, Failure>> = {
  busy: { does: 'refuse', status: 0x08 },
  'task-set-full': { does: 'refuse', status: 0x28 },
  // LOGICAL UNIT IS IN PROCESS OF BECOMING READY
  'becoming-ready': {
    does: 'refuse',
    status: CHECK_CONDITION,
    sense: { key: 0x02, code: 0x04, qualifier: 0x01 },
  },
  // LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED
  'not-ready': {
    does: 'refuse',
    status: CHECK_CONDITION,
    sense: { key: 0x02, code: 0x04, qualifier: 0x03 },
  },
  // ABORTED COMMAND, without further information
  'aborted-command': {
    does: 'refuse',
    status: CHECK_CONDITION,
    sense: { key: 0x0b, code: 0x00, qualifier: 0x00 },
  },
  slow: { does: 'hold-back' },
  'lost-connection': { does: 'drop' },
};

/** Answers are slow for this long, however long each is held back: a row’s seconds are those of one answer. */
const SLOW_SECONDS = 60;

/** How long a failure of so many seconds lasts, in seconds. */
export function lasts(kind: FailureKind, seconds: number): number {
  return FAILURES[kind].does === 'hold-back' ? SLOW_SECONDS : seconds;
}
