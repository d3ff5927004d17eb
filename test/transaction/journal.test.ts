import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rootTarget } from '../../src/machine/tree.ts';
import { completedJournal, readJournal } from '../../src/transaction/journal.ts';
import { journal } from '../../src/transaction/store.ts';

test('half a line that a power cut has left does not swallow the next event', async () => {
  const root = mkdtempSync(join(tmpdir(), 'mptfix-torn-'));
  try {
    const folder = join(root, 'var/lib/mptfix/generations/1');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'journal.ndjson');
    writeFileSync(file, '{"event":"committed"}\n{"time":"2026","ev');
    await journal(rootTarget(root, { dryRun: false }), '/var/lib/mptfix/generations/1', 'rolling-back');
    const last = readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse(last).event).toBe('rolling-back');
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

const lines = (...all: readonly object[]): string => all.map((line) => `${JSON.stringify(line)}\n`).join('');

test('only a step whose intent was written can have changed anything', () => {
  const { state, begun, done, becomes } = readJournal(
    lines(
      { event: 'begin' },
      { event: 'intent', step: 0, kind: 'module', becomes: { '/a': 'new' } },
      { event: 'done', step: 0, becomes: { '/a': 'newer' } },
      { event: 'intent', step: 2 },
    ),
    4,
  );
  expect([state, [...begun], [...done]]).toEqual(['open', [0, 2], [0]]);
  expect([...(becomes.get('/a') ?? [])]).toEqual(['new', 'newer']);
});

test('what is no line of ours did not happen, and a word of another type is none', () => {
  const text = `\0\0\0\n[]\nnull\n"intent"\n{"event":"intent","step":"0"}\n{"event":1}\n{"event":"intent","step":1,"becomes":[]}\n{"event":"done"`;
  const { state, begun, done } = readJournal(text, 2);
  expect([state, [...begun], [...done]]).toEqual(['open', [1], []]);
});

test('where it, or the file that is written last, says that all was done, all was, whichever line is damaged', () => {
  const whole = readJournal(
    lines({ event: 'begin' }, { event: 'committed' }, { event: 'rolling-back', force: true }),
    3,
  );
  expect([whole.state, whole.isUndo, whole.force, whole.begun.size, whole.done.size]).toEqual([
    'open',
    true,
    true,
    3,
    3,
  ]);
  const record = { path: '/a', sha256: 'new', size: 1, mode: '0644', uid: 0, gid: 0, mtime: '1.000000000' };
  const known = completedJournal(readJournal(lines({ event: 'begin' }), 3), 3, [record]);
  expect([known.state, known.done.size, known.becomes.get('/a')?.has('new')]).toEqual(['open', 3, true]);
});
