import type { LogEvent } from '../kernel-log/events.ts';
import type { Repair } from '../kernel-log/repair.ts';
import type { PartProblem } from './incident.ts';
import type { Note } from './notes.ts';
import type { LogPart, LogSource } from './sources.ts';

/** A message, and when it was logged. */
export interface TimedEvent {
  readonly event: LogEvent;
  /** Milliseconds since the epoch; null where the log does not say. */
  readonly at: number | null;
  readonly source: string;
  /** Without `at`: messages of one log with different numbers are more than `GAP_MS` apart, or nothing shows that they are not. */
  readonly run?: number;
  /** Another log has had this very message before. */
  readonly again?: true;
  /** No line of the kernel stands before it in its log. */
  readonly opens?: true;
}

/** A note of a line, and when the line was logged. */
export interface TimedNote {
  readonly note: Note;
  readonly host: string | undefined;
  /** Milliseconds since the epoch; null where the log does not say. */
  readonly at: number | null;
  readonly source: string;
}

export type StreamItem = TimedEvent | TimedNote;

/** What was read of one part. */
export interface PartRead {
  readonly source: LogSource;
  readonly part: LogPart;
  readonly lines: number;
  /** Lines that look like the kernel's, or have a message of the table. */
  readonly kernelLines: number;
  readonly hypervisorLines: number;
  /** What was mended before it was read. */
  readonly repairs: readonly Repair[];
  /** The times of its first and its last line, in milliseconds since the epoch; null where the log does not say. */
  readonly first: number | null;
  readonly last: number | null;
}

export interface StreamSettings {
  readonly zone?: string | undefined;
  /** Called for each part after it was read, also where it could not be read to its end. */
  readonly onRead?: ((read: PartRead) => void) | undefined;
  /** Called for each piece, with its bytes (unpacked). */
  readonly onBytes?: ((part: LogPart, bytes: number) => void) | undefined;
  /** Called for a part that cannot be read, or (`partly`) not to its end; the others are still read. */
  readonly onProblem: (problem: PartProblem) => void;
  /** Called for each part before it is read. */
  readonly onPart?: ((part: LogPart) => void) | undefined;
}

/** The kernel may retry a command silently for (5 + 1) × its timeout: 180 s by default, 1080 s with a timeout of 180 s. */
export const GAP_MS = 20 * 60 * 1000;
