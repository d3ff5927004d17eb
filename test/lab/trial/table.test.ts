import { expect, it } from 'vitest';
import type { TrialRecord } from '../../../lab/trial/record.ts';
import { trialTable } from '../../../lab/trial/table.ts';

const TRIAL: TrialRecord = {
  format: 1,
  row: { kernel: '6.1-amd64', fileSystem: 'ext4', driver: 'affected', failure: 'busy', seconds: 15 },
  kernel: '6.1.0-56-amd64',
  packageVersion: '6.1.192-2',
  srcversion: '796B11C53F8FAFD3E404850',
  began: 5,
  ended: 20,
  writes: [
    { number: 1, at: 0, seconds: 0.1, ok: true },
    { number: 2, at: 6, seconds: 0.2, ok: false, said: 'Input/output error' },
  ],
  longestStall: 0.2,
  ioErrors: 39,
  readOnly: true,
  readBack: 'same',
  differs: [],
  fsck: { program: 'e2fsck', status: 4, clean: false },
  answers: 96,
  diagnose: 'this-bug',
  watch: { before: 0, after: 1 },
  problems: ['e2fsck ended with 4'],
  wallSeconds: 83.4,
  qemu: '7.2.22',
  date: '2026-11-27T23:43:38.000Z',
};

it('has a line for each trial, with as many cells as the head, and below it what is not as expected', () => {
  const [head = '', rule = '', line = '', ...below] = trialTable([TRIAL]);
  expect(line).toBe(
    '| affected | 796B11C53F8FAFD3E404850 | 96 | 1 of 2 | 0.2 s | 39 | read-only | this-bug | 0 / 1 | same | e2fsck 4 | 83 s |',
  );
  const cells = (text: string): number => text.split('|').length;
  expect([cells(rule), cells(line)]).toEqual([cells(head), cells(head)]);
  expect(below).toEqual(['\naffected: e2fsck ended with 4']);
});
