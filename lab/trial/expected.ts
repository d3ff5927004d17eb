import type { Observation } from './observation.ts';
import type { FailureKind, TrialRecord, TrialRow } from './record.ts';

/** What a trial must show. */
export interface Expected {
  /** Writes fail, and the kernel reports I/O errors. */
  readonly loses: boolean;
  /** The file system takes no more writes; undefined: it may or may not. */
  readonly readOnly: boolean | undefined;
  /** fsck finds no damage once the journal is replayed; undefined: it may. */
  readonly clean: true | undefined;
  /** The verdict of `mptfix diagnose`. */
  readonly diagnose: string;
  /** Why, in one sentence. */
  readonly why: string;
}

/** Of a failure: what is seen if it lasts so many seconds, with one driver or with both. The first that fits counts. */
interface Line {
  readonly from?: number;
  readonly upTo: number;
  readonly driver?: TrialRow['driver'];
  readonly outcome: Outcome;
  readonly why: string;
}

/**
 * `survives`: nothing is lost, and the log says nothing; `stalls`: nothing is lost, and the log tells of timeouts; `fails`:
 * every command fails while it lasts; `outlasts`: commands wait until the window is used up, and then fail.
 */
type Outcome =
  | { readonly is: 'survives' | 'stalls' | 'outlasts' }
  | { readonly is: 'fails'; readonly diagnose: string };

/** SCSI's window: (retries + 1) × timeout = (5 + 1) × 30 s. Source: drivers/scsi/scsi_lib.c, scsi_cmd_runtime_exceeced(). */
const WINDOW_SECONDS = 180;
/** The window begins with each command, so that a row near its end could go either way. */
const SURE_SECONDS = WINDOW_SECONDS - 20;
/** Surely before and after the SCSI layer's timeout of one command, 30 s. Source: drivers/scsi/sd.h, SD_TIMEOUT. */
const TIMEOUT_SECONDS = 25;
const LATE_SECONDS = 40;

/**
 * A file system stops taking writes once its journal cannot be written. What an fsync cannot write is reported at once
 * and brings the journal no harm; so a failure must last until the journal is written next, which no fsync asks for any
 * more. Sources: include/linux/jbd2.h, JBD2_DEFAULT_MAX_COMMIT_AGE, 5 s; fs/xfs/xfs_globals.c, syncd_timer, 30 s. XFS tries
 * again for ever to write other metadata (fs/xfs/xfs_sysfs.c, xfs_error_meta_init), but never its log.
 */
const READ_ONLY_FROM: Readonly<Record<TrialRow['fileSystem'], number>> = { ext3: 15, ext4: 15, xfs: 60 };

/** Sources: Linux 6.1, drivers/scsi/scsi_error.c (scsi_decide_disposition(), scsi_check_sense()) and scsi_lib.c. */
const LINES: Readonly<Record<FailureKind, readonly Line[]>> = {
  busy: [
    {
      driver: 'affected',
      upTo: Number.POSITIVE_INFINITY,
      outcome: { is: 'fails', diagnose: 'this-bug' },
      why: 'the driver makes DID_BUS_BUSY of BUSY, which is retried five times at once and no more',
    },
    {
      driver: 'patched',
      upTo: SURE_SECONDS,
      outcome: { is: 'survives' },
      why: 'the command is queued again for as long as the storage is BUSY',
    },
    {
      driver: 'patched',
      upTo: Number.POSITIVE_INFINITY,
      outcome: { is: 'outlasts' },
      why: 'a command is queued again for 180 s and no longer',
    },
  ],
  'task-set-full': [
    {
      upTo: SURE_SECONDS,
      outcome: { is: 'survives' },
      why: 'the branch is about BUSY alone: the command is queued again with either driver',
    },
  ],
  'becoming-ready': [
    {
      upTo: SURE_SECONDS,
      outcome: { is: 'survives' },
      why: 'sense 02/04/01 is retried five times at once, and then after a delay for as long as the window is open',
    },
  ],
  'not-ready': [
    {
      upTo: Number.POSITIVE_INFINITY,
      outcome: { is: 'fails', diagnose: 'other' },
      why: 'sense 02/04/03 is not retried at all: it says that a person must come',
    },
  ],
  'aborted-command': [
    {
      upTo: Number.POSITIVE_INFINITY,
      outcome: { is: 'fails', diagnose: 'other' },
      why: 'sense 0B/00/00 is retried five times at once and no more',
    },
  ],
  slow: [
    {
      upTo: TIMEOUT_SECONDS,
      outcome: { is: 'survives' },
      why: 'each answer comes before its command has timed out',
    },
    {
      from: LATE_SECONDS,
      upTo: 60,
      outcome: { is: 'stalls' },
      why: 'commands time out, are aborted, and are sent again within the window',
    },
  ],
  'lost-connection': [
    {
      upTo: TIMEOUT_SECONDS,
      outcome: { is: 'survives' },
      why: 'QEMU connects again and sends the commands anew before they time out: the guest sees nothing but a wait',
    },
    {
      from: LATE_SECONDS,
      upTo: 200,
      outcome: { is: 'stalls' },
      why: 'commands time out, and aborts and resets get no answer either; once QEMU is connected again, all are sent anew',
    },
  ],
};

/**
 * These kernels write the metadata of a transaction to its place although its journal could not be written, as soon as the
 * disk answers again: a file that was never reported as written may be there in parts. Source: 2.6.18, fs/jbd/commit.c,
 * journal_commit_transaction(), phase 7, which later kernels leave out for a journal that was aborted.
 */
const WRITES_WITHOUT_JOURNAL = /^2\.6\./;

function expectedOf({ outcome, why }: Line, { kernel, seconds, fileSystem }: TrialRow): Expected {
  const clean = WRITES_WITHOUT_JOURNAL.test(kernel) ? undefined : true;
  switch (outcome.is) {
    case 'survives':
      return { loses: false, readOnly: false, clean: true, diagnose: 'none', why };
    case 'stalls':
      return { loses: false, readOnly: false, clean: true, diagnose: 'timeouts', why };
    case 'fails': {
      const readOnly = seconds >= READ_ONLY_FROM[fileSystem] ? true : undefined;
      return { loses: true, readOnly, clean, diagnose: outcome.diagnose, why };
    }
    case 'outlasts':
      // What is left of the failure then may be too short for the journal to be written.
      return { loses: true, readOnly: undefined, clean, diagnose: 'window-used-up', why };
  }
}

/** What this row must show. Throws where nobody has looked yet what it shows. */
export function expected(row: TrialRow): Expected {
  const { failure, driver, seconds } = row;
  const found = LINES[failure].find(
    (line) =>
      seconds >= (line.from ?? 0) &&
      seconds <= line.upTo &&
      (line.driver === undefined || line.driver === driver),
  );
  if (found === undefined)
    throw new Error(`nothing is known of ${failure} for ${seconds} s with the ${driver} driver`);
  return expectedOf(found, row);
}

/** What of a trial is not as expected, in words; none: all of it is. */
export function problemsOf(
  record: Omit<TrialRecord, 'problems'>,
  seen: Pick<Observation, 'ended' | 'failed' | 'guestUnreadable' | 'guestDiffers'>,
): readonly string[] {
  const { row, writes, began, ended, fsck, watch } = record;
  const { loses, readOnly, clean, diagnose } = expected(row);
  const lost = writes.filter(({ ok }) => !ok).length;
  const after = writes.filter(({ at, seconds }) => at + seconds > ended).length;
  const rows: readonly (readonly [boolean, string])[] = [
    [seen.ended, 'the guest did not come to its end'],
    [seen.failed.length === 0, `the guest said: ${seen.failed.join('; ')}`],
    [began > 0 && record.answers > 0, 'the failure never reached the disk'],
    [after > 0, 'no write was tried after the failure'],
    [loses ? lost > 0 : lost === 0, `${lost} of ${writes.length} writes were lost`],
    [
      loses ? record.ioErrors > 0 : record.ioErrors === 0,
      `the kernel reported ${record.ioErrors} I/O errors`,
    ],
    [
      readOnly === undefined || readOnly === record.readOnly,
      `the file system is ${record.readOnly ? '' : 'not '}read-only`,
    ],
    [record.diagnose === diagnose, `diagnose says ${record.diagnose || 'nothing'}, not ${diagnose}`],
    [watch.before === 0, `the watch ended with ${watch.before} before the failure`],
    [
      watch.after === (record.readOnly ? 1 : 0),
      `the watch ended with ${watch.after} after the failure, and the file system is ${record.readOnly ? '' : 'not '}read-only`,
    ],
    [seen.guestDiffers.length === 0, `the guest read something else: ${seen.guestDiffers.join(' ')}`],
    [
      seen.guestUnreadable.length === 0 || record.readOnly,
      `the guest could not read: ${seen.guestUnreadable.join(' ')}`,
    ],
    [
      record.readBack === 'same',
      `read back after a reboot: ${record.readBack} ${record.differs.join(' ')}`.trim(),
    ],
    [fsck.clean || clean === undefined, `${fsck.program} ended with ${fsck.status}`],
  ];
  return rows.flatMap(([ok, problem]) => (ok ? [] : [problem]));
}
