import { describe, expect, it } from 'vitest';
import { expected, problemsOf } from '../../../lab/trial/expected.ts';
import type { TrialRecord, TrialRow } from '../../../lab/trial/record.ts';

const row = (part: Partial<TrialRow>): TrialRow => ({
  kernel: '6.1-amd64',
  fileSystem: 'ext4',
  driver: 'patched',
  failure: 'busy',
  seconds: 15,
  ...part,
});

describe('expected', () => {
  it.each([
    ['affected', 5, { loses: true, readOnly: undefined, diagnose: 'this-bug' }],
    ['affected', 15, { loses: true, readOnly: true, diagnose: 'this-bug' }],
    ['affected', 200, { loses: true, readOnly: true, diagnose: 'this-bug' }],
    ['patched', 5, { loses: false, readOnly: false, diagnose: 'none' }],
    ['patched', 60, { loses: false, readOnly: false, diagnose: 'none' }],
    ['patched', 200, { loses: true, readOnly: undefined, diagnose: 'window-used-up' }],
  ] as const)('%s, BUSY for %i s', (driver, seconds, outcome) => {
    expect(expected(row({ driver, seconds }))).toMatchObject(outcome);
  });

  it.each([
    ['task-set-full', 15, 'none'],
    ['becoming-ready', 15, 'none'],
    ['slow', 5, 'none'],
    ['slow', 45, 'timeouts'],
    ['lost-connection', 15, 'none'],
    ['lost-connection', 60, 'timeouts'],
    ['lost-connection', 200, 'timeouts'],
  ] as const)('%s, %i s: both drivers survive it, and diagnose says %s', (failure, seconds, diagnose) => {
    for (const driver of ['affected', 'patched'] as const)
      expect(expected(row({ failure, seconds, driver }))).toMatchObject({
        loses: false,
        readOnly: false,
        diagnose,
      });
  });

  it.each(['not-ready', 'aborted-command'] as const)(
    '%s: both drivers fail, for another cause',
    (failure) => {
      for (const driver of ['affected', 'patched'] as const)
        expect(expected(row({ failure, driver }))).toMatchObject({ loses: true, diagnose: 'other' });
    },
  );

  it.each([
    ['ext3', 14, undefined],
    ['ext3', 15, true],
    ['xfs', 15, undefined],
    ['xfs', 60, true],
  ] as const)(
    '%s need not be read-only before its journal is written: %i s, %s',
    (fileSystem, seconds, readOnly) => {
      expect(expected(row({ driver: 'affected', fileSystem, seconds })).readOnly).toBe(readOnly);
    },
  );

  it('knows nothing of what nobody has tried', () => {
    expect(() => expected(row({ failure: 'task-set-full', seconds: 200 }))).toThrow(
      'nothing is known of task-set-full for 200 s',
    );
    // About when a command times out, it could go either way.
    expect(() => expected(row({ failure: 'slow', seconds: 30 }))).toThrow(
      'nothing is known of slow for 30 s',
    );
  });
});

describe('problemsOf', () => {
  const good: Omit<TrialRecord, 'problems'> = {
    format: 1,
    row: row({}),
    kernel: '6.1.0-56-amd64',
    packageVersion: '6.1.192-2',
    srcversion: '5F4996250143E764133F898',
    began: 5,
    ended: 20,
    writes: [
      { number: 1, at: 0, seconds: 0.1, ok: true },
      { number: 2, at: 5.5, seconds: 14.6, ok: true },
    ],
    longestStall: 14.6,
    ioErrors: 0,
    readOnly: false,
    readBack: 'same',
    differs: [],
    fsck: { program: 'e2fsck', status: 0, clean: true },
    answers: 1400,
    diagnose: 'none',
    watch: { before: 0, after: 0 },
    wallSeconds: 50,
    qemu: '7.2.22',
    date: '2026-11-27T23:43:38.000Z',
  };
  const seen = { ended: true, failed: [], guestUnreadable: [], guestDiffers: [] };

  it('has none where all is as expected', () => {
    expect(problemsOf(good, seen)).toEqual([]);
  });

  it.each<[string, Partial<TrialRecord>, RegExp]>([
    ['a lost write', { writes: [{ number: 1, at: 21, seconds: 0, ok: false }] }, /1 of 1 writes were lost/],
    ['an I/O error', { ioErrors: 3 }, /3 I\/O errors/],
    ['a failure that no command met', { answers: 0 }, /never reached the disk/],
    ['no failure at all', { began: 0, ended: 0 }, /never reached the disk/],
    ['a guest that stopped writing', { writes: good.writes.slice(0, 1) }, /no write was tried after/],
    ['a read-only file system', { readOnly: true }, /read-only/],
    ['another verdict', { diagnose: 'cannot-tell' }, /diagnose says cannot-tell, not none/],
    ['no verdict', { diagnose: '' }, /diagnose says nothing/],
    ['a watch that did not run', { watch: { before: -1, after: 0 } }, /watch ended with -1 before/],
    ['a watch that saw what was not', { watch: { before: 0, after: 1 } }, /watch ended with 1 after/],
    ['other data', { readBack: 'different', differs: [2] }, /read back after a reboot: different 2/],
    ['no data', { readBack: 'unreadable' }, /unreadable/],
    ['damage', { fsck: { program: 'e2fsck', status: 4, clean: false } }, /e2fsck ended with 4/],
  ])('names %s', (_, part, problem) => {
    expect(problemsOf({ ...good, ...part }, seen).join('\n')).toMatch(problem);
  });

  it.each([
    [{ ...seen, ended: false }, /did not come to its end/],
    [{ ...seen, failed: ['LAB failed: mount'] }, /LAB failed: mount/],
    [{ ...seen, guestDiffers: [3] }, /read something else: 3/],
    [{ ...seen, guestUnreadable: [4] }, /could not read: 4/],
  ])('names what the guest saw', (guest, problem) => {
    expect(problemsOf(good, guest).join('\n')).toMatch(problem);
  });

  it('takes damage as the result of a failure only where the kernel is known for it', () => {
    const kernels = ['2.6.18-8.el5', '6.1-amd64'];
    const found = kernels.map((kernel) => {
      const affected = row({ kernel, driver: 'affected' });
      const damaged = { program: 'e2fsck', status: 4, clean: false };
      return problemsOf({ ...good, row: affected, fsck: damaged }, seen).includes('e2fsck ended with 4');
    });
    expect(found).toEqual([false, true]);
    const survives = { ...good, row: row({ kernel: '2.6.18-8.el5' }) };
    expect(problemsOf({ ...survives, fsck: { ...good.fsck, clean: false } }, seen)).toEqual([
      'e2fsck ended with 0',
    ]);
  });

  it('wants an affected driver to fail', () => {
    const record = { ...good, row: row({ driver: 'affected' }) };
    expect(problemsOf(record, seen)).toEqual([
      '0 of 2 writes were lost',
      'the kernel reported 0 I/O errors',
      'the file system is not read-only',
      'diagnose says none, not this-bug',
    ]);
  });
});
