import * as v from 'valibot';
import type { Document } from '../../src/document.ts';

/** What the storage does while its path fails over. Each is a row of `FAILURES`. */
export const FAILURE_KINDS = [
  'busy',
  'task-set-full',
  'becoming-ready',
  'not-ready',
  'aborted-command',
  'slow',
  'lost-connection',
] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

export const FILE_SYSTEMS = ['ext3', 'ext4', 'xfs'] as const;
export type FileSystem = (typeof FILE_SYSTEMS)[number];

const seconds = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** What is tried. */
const rowSchema = v.strictObject({
  /** In a few characters, such as `6.1-amd64`. */
  kernel: v.string(),
  fileSystem: v.picklist(FILE_SYSTEMS),
  driver: v.picklist(['affected', 'patched']),
  failure: v.picklist(FAILURE_KINDS),
  /** How long the failure is meant to last; with `slow`, how long each answer is held back. */
  seconds,
});

/** One write and fsync of the guest. */
const writeSchema = v.strictObject({
  /** From 1. */
  number: count,
  /** When it began. */
  at: seconds,
  /** How long it took. */
  seconds,
  ok: v.boolean(),
  /** What the guest's `dd` said, where it failed. */
  said: v.exactOptional(v.string()),
});

/**
 * What one trial showed. Every point in time is in seconds since the guest began its first write, by the guest's own clock.
 * Numbers of what was never reached (no write began, no failure) are 0, and `problems` says so.
 */
const recordSchema = v.strictObject({
  format: v.literal(1),
  row: rowSchema,
  /** `uname -r` of the guest. */
  kernel: v.string(),
  packageVersion: v.string(),
  /** Of the loaded mptscsih; empty where the kernel shows none. */
  srcversion: v.string(),
  /** When the failure began and ended. */
  began: seconds,
  ended: seconds,
  writes: v.array(writeSchema),
  /** The longest write. */
  longestStall: seconds,
  /** Lines of the console on which the kernel reports an I/O error. */
  ioErrors: count,
  /** The file system takes no more writes: read-only, its journal aborted, or shut down. */
  readOnly: v.boolean(),
  /** Of the files whose fsync succeeded, read from the image after the machine was off and the journal replayed. */
  readBack: v.picklist(['same', 'different', 'unreadable']),
  /** Numbers of the writes that had succeeded and read back as something else. */
  differs: v.array(count),
  /** Run on the image after the journal was replayed. */
  fsck: v.strictObject({ program: v.string(), status: v.number(), clean: v.boolean() }),
  /** Answers that the storage falsified or held back, or connections that it dropped or refused. */
  answers: count,
  /** The verdict of `mptfix diagnose` on the console's log; empty where it gave none. */
  diagnose: v.string(),
  /** Exit statuses of the sh watch in the guest; -1 where it did not run. */
  watch: v.strictObject({ before: v.number(), after: v.number() }),
  /** What is not as expected of this row, in words; empty: all of it is. */
  problems: v.array(v.string()),
  wallSeconds: seconds,
  /** QEMU's version. */
  qemu: v.string(),
  /** ISO 8601, when the trial began. */
  date: v.pipe(v.string(), v.isoTimestamp()),
});

export type TrialRow = Document<typeof rowSchema>;
export type TrialWrite = Document<typeof writeSchema>;
export type TrialRecord = Document<typeof recordSchema>;

/**
 * Reads a trial's record. `file` is its name, for the error.
 * Throws where the text is no whole record of this format: a file that was cut short, or one of something else.
 */
export function readRecord(text: string, file: string): TrialRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(
      `${file} is no record of a trial: ${(error as Error).message}; remove it to run its trial again`,
    );
  }
  const parsed = v.safeParse(recordSchema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const where = v.getDotPath(issue);
  throw new Error(
    `${file} is no record of a trial: ${where === null ? '' : `${where}: `}${issue.message}; remove it to run its trial again`,
  );
}
