import type { Observation } from './observation.ts';
import type { FailureKind, TrialRecord, TrialRow } from './record.ts';

/** What a trial must show. */
export interface Expected {
  /** Writes fail, and the kernel reports I/O errors. */
  readonly loses: boolean;
  /** The file system takes no more writes; undefined: it may or may not. */
  readonly readOnly: boolean | undefined;
  /** The verdict of `mptfix diagnose`. */
  readonly diagnose: string;
  /** Why, in one sentence. */
  readonly why: string;
}

/** Of a failure, with both drivers: what is seen if it lasts up to so many seconds. The first line that fits counts. */
interface Line extends Expected {
  readonly upTo: number;
  readonly driver?: TrialRow['driver'];
}

/** SCSI's window: (retries + 1) × timeout = (5 + 1) × 30 s. Source: drivers/scsi/scsi_lib.c, scsi_softirq_done(). */
const WINDOW_SECONDS = 180;

const SURVIVES = { loses: false, readOnly: false, diagnose: 'none' } as const;

/** Sources: Linux 6.1, drivers/scsi/scsi_error.c (scsi_decide_disposition, scsi_check_sense) and scsi_lib.c. */
const LINES: Readonly<Record<FailureKind, readonly Line[]>> = {
  busy: [
    {
      driver: 'affected',
      upTo: 14,
      loses: true,
      readOnly: undefined,
      diagnose: 'this-bug',
      why: 'the driver makes DID_BUS_BUSY of BUSY, which is retried five times at once; a journal that is not written meanwhile stays whole',
    },
    {
      driver: 'affected',
      upTo: Number.POSITIVE_INFINITY,
      loses: true,
      readOnly: true,
      diagnose: 'this-bug',
      why: 'the driver makes DID_BUS_BUSY of BUSY, which is retried five times at once; then the journal cannot be written',
    },
    {
      driver: 'patched',
      upTo: WINDOW_SECONDS - 30,
      ...SURVIVES,
      why: 'the command is queued again for as long as the storage is BUSY',
    },
    {
      driver: 'patched',
      upTo: Number.POSITIVE_INFINITY,
      loses: true,
      readOnly: true,
      diagnose: 'window-used-up',
      why: 'a command is queued again for 180 s and no longer',
    },
  ],
  'task-set-full': [
    {
      upTo: WINDOW_SECONDS - 30,
      ...SURVIVES,
      why: 'the branch is about BUSY alone: the command is queued again with either driver',
    },
  ],
  'becoming-ready': [
    {
      upTo: WINDOW_SECONDS - 30,
      ...SURVIVES,
      why: 'sense 02/04/01 is retried at once five times, and then after a delay',
    },
  ],
  'not-ready': [
    {
      upTo: Number.POSITIVE_INFINITY,
      loses: true,
      readOnly: undefined,
      diagnose: 'other',
      why: 'sense 02/04/03 is not retried: somebody must come',
    },
  ],
  'aborted-command': [
    {
      upTo: Number.POSITIVE_INFINITY,
      loses: true,
      readOnly: undefined,
      diagnose: 'other',
      why: 'sense 0B is retried at once five times, and no longer',
    },
  ],
  slow: [
    {
      upTo: 25,
      ...SURVIVES,
      why: 'the answer comes before the command’s timeout of 30 s',
    },
    {
      upTo: Number.POSITIVE_INFINITY,
      loses: true,
      readOnly: undefined,
      diagnose: 'timeouts',
      why: 'the command has timed out when its answer comes',
    },
  ],
  'lost-connection': [
    {
      upTo: Number.POSITIVE_INFINITY,
      ...SURVIVES,
      diagnose: 'other',
      why: 'QEMU connects again and sends the commands anew',
    },
  ],
};

/** What this row must show. Throws where nobody has looked yet what it shows. */
export function expected({ failure, driver, seconds }: TrialRow): Expected {
  const found = LINES[failure].find(
    (line) => seconds <= line.upTo && (line.driver === undefined || line.driver === driver),
  );
  if (found === undefined)
    throw new Error(`nothing is known of ${failure} for ${seconds} s with the ${driver} driver`);
  return found;
}

/** What of a trial is not as expected, in words; none: all of it is. */
export function problemsOf(
  record: Omit<TrialRecord, 'problems'>,
  seen: Pick<Observation, 'ended' | 'failed' | 'guestUnreadable' | 'guestDiffers'>,
): readonly string[] {
  const { row, writes, began, ended, fsck, watch } = record;
  const { loses, readOnly, diagnose } = expected(row);
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
    [fsck.clean, `${fsck.program} ended with ${fsck.status}`],
  ];
  return rows.flatMap(([ok, problem]) => (ok ? [] : [problem]));
}
