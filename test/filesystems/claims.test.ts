import { describe, expect, test } from 'vitest';
import type { DiskLog } from '../../src/filesystems/disk-log.ts';
import { judge } from '../../src/filesystems/judge.ts';
import type { Observation } from '../../src/filesystems/observation.ts';
import { STATES, type State } from '../../src/filesystems/states.ts';
import { BOOT, CLEAN, seen } from './seen.ts';

/*
 * The truth table of an ext4 under a kernel that leaves `rw` in the mount table, with errors=remount-ro: what comes of
 * each log together with each answer of the counter, the superblock and the probe, looked at or not.
 */

const JOURNAL = 'Aborting journal on device sda1-8.';
const REMOUNT = 'EXT4-fs (sda1): Remounting filesystem read-only';
const said = (text: string, reported: boolean): DiskLog => ({
  mounted: undefined,
  lines: [{ text, abort: true, seconds: 900, reported }],
});
const mounted = (seconds: number | undefined, reported: boolean): DiskLog => ({
  mounted: { seconds, reported },
  lines: [],
});

/** A report is a message of which nothing shows that the kernel wrote it. The counted error is from second 900. */
const LOGS = {
  'no log': undefined,
  'journal aborted': said(JOURNAL, false),
  'ext4 read-only': said(REMOUNT, false),
  'journal aborted, a report': said(JOURNAL, true),
  'ext4 read-only, a report': said(REMOUNT, true),
  'mounted later': mounted(1000, false),
  'mounted before': mounted(800, false),
  'mounted, without a time': mounted(undefined, false),
  'mounted later, a report': mounted(1000, true),
} as const satisfies Record<string, DiskLog | undefined>;

const policy = 'remount-ro' as const;
const COUNTERS = {
  'not read': undefined,
  none: { errors: 0, policy },
  old: { errors: 2, lastErrorTime: BOOT - 86_400, policy },
  new: { errors: 2, lastErrorTime: BOOT + 900, policy },
} as const satisfies Record<string, Observation['counters']>;

const SUPERBLOCKS = {
  'not read': undefined,
  clean: CLEAN,
  flagged: { ...CLEAN, errorFlag: true },
} as const satisfies Record<string, Observation['superblock']>;

const outcome = (name: string): Observation['probe'] => ({
  mountPoint: '/data',
  outcome: name,
  detail: name,
});
const PROBES = {
  'not tried': undefined,
  ok: outcome('ok'),
  EROFS: outcome('EROFS'),
  EIO: outcome('EIO'),
  hang: outcome('hang'),
} as const satisfies Record<string, Observation['probe']>;

type Log = keyof typeof LOGS;
type Counter = keyof typeof COUNTERS;
type Super = keyof typeof SUPERBLOCKS;
type Probe = keyof typeof PROBES;
const keys = <Key extends string>(table: Readonly<Record<Key, unknown>>) => Object.keys(table) as Key[];

/** The states where nothing was written: A aborted, f flagged, - writable. By superblock, in the order of COUNTERS. */
const TABLE: Readonly<Record<Log, Readonly<Record<Super, string>>>> = {
  //                                        counter:  not read, none, old, new
  'no log': { 'not read': '---A', clean: '---A', flagged: 'fffA' },
  // The counter does not contradict it: ext4 learns of it when it next writes.
  'journal aborted': { 'not read': 'AAAA', clean: 'AAAA', flagged: 'AAAA' },
  // ext4 has counted the error before it says so.
  'ext4 read-only': { 'not read': 'A--A', clean: 'A--A', flagged: 'AffA' },
  'journal aborted, a report': { 'not read': 'A--A', clean: '---A', flagged: 'AffA' },
  'ext4 read-only, a report': { 'not read': 'A--A', clean: '---A', flagged: 'AffA' },
  'mounted later': { 'not read': '---f', clean: '---f', flagged: 'ffff' },
  'mounted before': { 'not read': '---A', clean: '---A', flagged: 'fffA' },
  'mounted, without a time': { 'not read': '---A', clean: '---A', flagged: 'fffA' },
  'mounted later, a report': { 'not read': '---A', clean: '---A', flagged: 'fffA' },
};
const LETTERS: Readonly<Record<string, State>> = { A: 'aborted', f: 'flagged', '-': 'writable' };

/** A write that went through disproves what only counts and remembers; one that failed speaks for itself. */
const WRITTEN: Readonly<Record<Probe, (state: State, hasErrors: boolean) => State>> = {
  'not tried': (state) => state,
  ok: (_, hasErrors) => (hasErrors ? 'flagged' : 'writable'),
  EROFS: () => 'aborted',
  EIO: (state) => worse(state, 'write-fails'),
  hang: (state) => worse(state, 'write-hangs'),
};
const worse = (one: State, other: State): State =>
  STATES.indexOf(one) < STATES.indexOf(other) ? one : other;

const ROWS = keys(LOGS).flatMap((log) =>
  keys(SUPERBLOCKS).flatMap((superblock) =>
    keys(COUNTERS).flatMap((counter, column) =>
      keys(PROBES).map((probe) => {
        const unwritten = LETTERS[TABLE[log][superblock].charAt(column)] ?? 'storage-away';
        const hasErrors = superblock === 'flagged' || counter === 'new';
        return { log, superblock, counter, probe, state: WRITTEN[probe](unwritten, hasErrors) };
      }),
    ),
  ),
);

interface Row {
  readonly log: Log;
  readonly superblock: Super;
  readonly counter: Counter;
  readonly probe: Probe;
}

function judged({ log, superblock, counter, probe }: Row, options = 'rw rw') {
  const parts = {
    log: LOGS[log],
    superblock: SUPERBLOCKS[superblock],
    counters: COUNTERS[counter],
    probe: PROBES[probe],
  };
  const system = { bootTime: BOOT, kernel: '6.1.0-28-amd64' };
  return judge(seen({ ...parts, options, system, watched: { remembered: undefined } }));
}

test('the table has every combination', () => {
  expect(ROWS).toHaveLength(9 * 3 * 4 * 5);
});

describe.each(keys(LOGS))('%s', (log) => {
  test.each(ROWS.filter((row) => row.log === log))(
    'counter $counter, superblock $superblock, write $probe: $state',
    ({ state, ...row }) => {
      expect(judged(row).state).toBe(state);
    },
  );
});

test('whatever the log says, it hides nothing that the mount table shows', () => {
  for (const row of ROWS)
    for (const [options, state] of [
      ['rw rw,emergency_ro', 'aborted'],
      ['rw ro', 'aborted'],
      ['rw rw,shutdown', 'shutdown'],
    ] as const) {
      const found = judged(row, options).state;
      expect([row, options, worse(found, state)]).toEqual([row, options, found]);
    }
});

test('no log makes a state better than none', () => {
  for (const row of ROWS) {
    // A mount that the counter's own time agrees with is no mark alone.
    if (row.log === 'mounted later') continue;
    const without = judged({ ...row, log: 'no log' }).state;
    const found = judged(row).state;
    expect([row, worse(found, without)]).toEqual([row, found]);
  }
});

test('what is contradicted is still told, as no fact; a report is called one', () => {
  const evidence = judged({
    log: 'ext4 read-only',
    counter: 'none',
    superblock: 'not read',
    probe: 'not tried',
  }).evidence.filter(({ kind }) => kind === 'kernel-log');
  expect(evidence).toMatchObject([
    { bad: false, state: undefined, detail: `${REMOUNT} (but ext4 has counted no error since boot)` },
  ]);
  const report = judged({
    log: 'journal aborted, a report',
    counter: 'not read',
    superblock: 'not read',
    probe: 'not tried',
  }).evidence.filter(({ kind }) => kind === 'kernel-log');
  expect(report).toMatchObject([{ bad: true, reported: true, detail: `reported: ${JOURNAL}` }]);
});
