import { readRecord, type TrialRecord, type TrialRow } from '../../../lab/trial/record.ts';

const ROW: TrialRow = {
  kernel: '6.1-amd64',
  fileSystem: 'ext4',
  driver: 'affected',
  failure: 'busy',
  seconds: 15,
};

/**
 * A record as a trial of that row leaves it, where nothing says otherwise: with the affected driver everything is lost from the
 * failure on, with the patched one a write waits for its end.
 */
export function fakeRecord(row: Partial<TrialRow> = {}, more: Partial<TrialRecord> = {}): TrialRecord {
  const whole = { ...ROW, ...row };
  const isLost = whole.driver === 'affected' && whole.failure === 'busy';
  const began = 5.25;
  const ended = began + whole.seconds;
  const before = [0, 1.25, 2.5, 3.75, 5].map((at, index) => ({
    number: index + 1,
    at,
    seconds: 0.25,
    ok: true,
  }));
  const after = isLost
    ? [6, 7, 8].map((at, index) => ({
        number: index + 6,
        at,
        seconds: 0.5,
        ok: false,
        said: 'dd: I/O error',
      }))
    : [
        { number: 6, at: 6.25, seconds: whole.seconds, ok: true },
        { number: 7, at: 8.5 + whole.seconds, seconds: 0.25, ok: true },
      ];
  const writes = [...before, ...after];
  const record: TrialRecord = {
    format: 1,
    row: whole,
    kernel: '6.1.0-56-amd64',
    packageVersion: '6.1.192-2',
    srcversion: whole.driver === 'affected' ? 'AAAA' : 'BBBB',
    began,
    ended,
    writes,
    longestStall: Math.max(...writes.map(({ seconds }) => seconds)),
    ioErrors: isLost ? 40 : 0,
    readOnly: isLost,
    readBack: 'same',
    differs: [],
    fsck: { program: 'e2fsck', status: 0, clean: true },
    answers: 24,
    diagnose: isLost ? 'this-bug' : 'none',
    watch: { before: 0, after: isLost ? 1 : 0 },
    problems: [],
    wallSeconds: 60,
    qemu: '7.2.22',
    date: '2026-11-27T20:00:00.000Z',
    ...more,
  };
  // What a trial may not write is no example of one either.
  return readRecord(JSON.stringify(record), 'fake');
}

export const fakePair = (row: Partial<TrialRow> = {}): readonly [TrialRecord, TrialRecord] => [
  fakeRecord({ ...row, driver: 'affected' }),
  fakeRecord({ ...row, driver: 'patched' }),
];
