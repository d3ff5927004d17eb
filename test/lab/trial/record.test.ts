import { describe, expect, it } from 'vitest';
import { readRecord, type TrialRecord } from '../../../lab/trial/record.ts';

const RECORD: TrialRecord = {
  format: 1,
  row: { kernel: '6.1-amd64', fileSystem: 'ext4', driver: 'patched', failure: 'busy', seconds: 15 },
  kernel: '6.1.0-56-amd64',
  packageVersion: '6.1.192-1',
  srcversion: '9CC4C6E3F8C8EE1BBE16D44',
  began: 5.1,
  ended: 20.1,
  writes: [
    { number: 1, at: 0, seconds: 0.1, ok: true },
    { number: 2, at: 1.1, seconds: 0, ok: false, said: 'Read-only file system' },
  ],
  longestStall: 0.1,
  ioErrors: 0,
  readOnly: false,
  readBack: 'same',
  differs: [],
  fsck: { program: 'e2fsck', status: 0, clean: true },
  answers: 800,
  diagnose: 'nothing-found',
  watch: { before: 0, after: 0 },
  problems: [],
  wallSeconds: 70.2,
  qemu: '7.2.22',
  date: '2026-11-27T23:43:38.000Z',
};

describe('readRecord', () => {
  it('reads what was written', () => {
    expect(readRecord(JSON.stringify(RECORD), 'a.json')).toEqual(RECORD);
  });

  it.each([
    [
      'a file that was cut short',
      JSON.stringify(RECORD).slice(0, 400),
      /^a\.json is no record of a trial: .*JSON/,
    ],
    ['an empty file', '', /^a\.json is no record/],
    ['another document', '{"schema":"mptfix.check/1"}', /^a\.json is no record of a trial: /],
    ['a later format', JSON.stringify({ ...RECORD, format: 2 }), /: format: .*; remove it/],
    ['a missing field', JSON.stringify({ ...RECORD, answers: undefined }), /answers/],
    ['a field that nobody knows', JSON.stringify({ ...RECORD, answer: 1 }), /answer/],
    [
      'a failure that nobody knows',
      JSON.stringify({ ...RECORD, row: { ...RECORD.row, failure: 'fire' } }),
      /row\.failure/,
    ],
    ['a time that is none', JSON.stringify({ ...RECORD, began: null }), /began/],
  ])('refuses %s', (_, text, message) => {
    expect(() => readRecord(text, 'a.json')).toThrow(message);
  });
});
