import { describe, expect, test } from 'vitest';
import { judge } from '../../src/filesystems/judge.ts';
import type { Observation } from '../../src/filesystems/observation.ts';
import { REPAIR_STATES, STATES } from '../../src/filesystems/states.ts';
import { watchedState } from '../../src/watch/condition.ts';
import { BOOT, CLEAN, seen } from './seen.ts';

const abort = {
  mounted: undefined,
  lines: [{ text: 'Aborting journal on device sda1-8.', abort: true, seconds: 9, reported: false }],
};
const counted = { errors: 2, lastErrorTime: BOOT + 900, policy: 'continue' } as const;

describe('one observation, by what of it was looked at:', () => {
  test.each<readonly [string, Observation, string]>([
    ['the mount table alone, rw', seen(), 'writable'],
    ['read-only, and nobody looked why', seen({ options: 'ro ro' }), 'unexplained-ro'],
    ['read-only, with a clean superblock', seen({ options: 'ro ro', superblock: CLEAN }), 'remounted-ro'],
    [
      'read-only, with the error flag',
      seen({ options: 'ro ro', superblock: { ...CLEAN, errorFlag: true } }),
      'flagged-ro',
    ],
    ['writable, with the error flag', seen({ superblock: { ...CLEAN, errorFlag: true } }), 'flagged'],
    ['the kernel made it read-only', seen({ options: 'rw ro', superblock: CLEAN }), 'aborted'],
    [
      'an ext4 whose journal was not emptied',
      seen({ options: 'ro ro', superblock: { ...CLEAN, needsRecovery: true } }),
      'aborted',
    ],
    ['emergency_ro', seen({ options: 'rw rw,emergency_ro' }), 'aborted'],
    ['an abort in the log', seen({ log: abort }), 'aborted'],
    ['the same of XFS', seen({ log: abort, fileSystem: { fsType: 'xfs' } }), 'shutdown'],
    ['the same of btrfs', seen({ log: abort, fileSystem: { fsType: 'btrfs' } }), 'forced-ro'],
    ['a disk that does not answer', seen({ log: abort, storage: { answer: 'hang' } }), 'storage-away'],
    ['a disk that only root may ask', seen({ storage: { answer: 'denied' } }), 'writable'],
    ['a mount that is read-only alone', seen({ options: 'ro rw' }), 'mount-ro'],
    [
      'read-only on purpose',
      seen({ options: 'ro ro', fileSystem: { intended: { readOnly: 'ro in fstab, line 1' } } }),
      'intended-ro',
    ],
    ['a medium', seen({ options: 'rw ro', fileSystem: { kind: 'media', fsType: 'iso9660' } }), 'intended-ro'],
    [
      'a write that failed',
      seen({ probe: { mountPoint: '/data', outcome: 'EIO', detail: 'writing a file failed: EIO' } }),
      'write-fails',
    ],
    [
      'no space is no alarm',
      seen({ probe: { mountPoint: '/data', outcome: 'ENOSPC', detail: 'writing a file failed: ENOSPC' } }),
      'writable',
    ],
  ])('%s', (_, observation, state) => {
    expect(judge(observation).state).toBe(state);
  });
});

test('whoever names a mount point that fstab does not know says writable', () => {
  const byHand = seen({ options: 'ro ro', fileSystem: { intended: { readOnly: 'mounted read-only' } } });
  expect([judge(byHand).state, judge(byHand, true).state]).toEqual(['intended-ro', 'unexplained-ro']);
});

describe('errors that were counted', () => {
  test('are on record for who looks once, and news only since the first look or boot for who watches', () => {
    const old = { ...counted, lastErrorTime: BOOT - 86_400 };
    expect(judge(seen({ counters: old })).state).toBe('flagged');
    expect(judge(seen({ counters: old, watched: { remembered: undefined } })).state).toBe('writable');
    const before = { mounts: [27], writable: true, errors: 2, lastErrors: 2 };
    expect(judge(seen({ counters: counted, watched: { remembered: undefined } })).state).toBe('flagged');
    expect(judge(seen({ counters: counted, watched: { remembered: before } })).state).toBe('writable');
  });

  test.each([
    ['6.1.0-28-amd64', 'aborted'],
    ['6.18.0', 'flagged'],
  ])('with errors=remount-ro, where the mount table of %s says rw', (kernel, state) => {
    const counters = { ...counted, policy: 'remount-ro' } as const;
    const system = { bootTime: BOOT, kernel };
    expect(judge(seen({ counters, system })).state).toBe(state);
    const mountedSince = { mounted: { seconds: 1000, reported: false }, lines: [] };
    expect(judge(seen({ counters, system, log: mountedSince })).state).toBe('flagged');
  });
});

test('a write that went through disproves the log and what the counter would mean, not the mount table', () => {
  const probe = { mountPoint: '/data', outcome: 'ok', detail: 'a file was written, synced and removed' };
  const judged = judge(seen({ log: abort, counters: counted, probe }));
  expect([judged.state, judged.evidence.map(({ kind }) => kind)]).toEqual([
    'flagged',
    ['mount-table', 'counter'],
  ]);
  expect(judge(seen({ options: 'rw rw,shutdown', probe })).state).toBe('shutdown');
});

test('it began when the evidence says so, and the next look remembers it', () => {
  const judged = judge(seen({ log: abort, watched: { remembered: undefined } }));
  expect(judged.since).toBe(new Date((BOOT + 9) * 1000).toISOString());
  expect(judged.remember).toMatchObject({ mounts: [27], aborted: 'Aborting journal on device sda1-8.' });
  const later = judge(seen({ watched: { remembered: judged.remember } }));
  expect([later.state, later.remember.aborted]).toEqual(['aborted', judged.remember.aborted]);
});

test('the documents of watch, recover and harden name each state, and none calls a bad one good', () => {
  expect(STATES.filter((state) => watchedState(state) === 'ok')).toEqual([
    'mount-ro',
    'intended-ro',
    'writable',
  ]);
  expect(STATES.filter((state) => ['writable', 'intended-ro'].includes(REPAIR_STATES[state]))).toEqual([
    'mount-ro',
    'intended-ro',
    'writable',
  ]);
});
