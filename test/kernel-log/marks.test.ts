import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lineEvents } from '../../src/kernel-log/events.ts';
import { LOG_PATTERNS, logMarks } from '../../src/kernel-log/marks.ts';
import { parseLine } from '../../src/kernel-log/prefix.ts';
import { LINES } from './lines.ts';

/** What the table of signatures says of a line: each disk that it names, and whether its file system gave up. */
function said(line: string): { kind: 'abort' | 'error'; device: string }[] {
  return lineEvents(line).flatMap(({ effect, fields }) =>
    effect === undefined || fields.device === undefined
      ? []
      : [{ kind: effect === 'error' ? 'error' : 'abort', device: fields.device }],
  );
}

const textOf = ({ line }: (typeof LINES)[number]): string => parseLine(line).text;

describe('the marks and the table of signatures agree on the table’s own lines:', () => {
  const aborts = LINES.map(textOf).filter((line) => said(line).some(({ kind }) => kind === 'abort'));

  test('there are such lines of each kind of file system', () => {
    for (const name of ['EXT3', 'EXT4', 'XFS', 'BTRFS', 'REISERFS', 'Aborting journal', 'remounting'])
      expect([name, aborts.some((line) => line.includes(name))]).toEqual([name, true]);
  });

  // A message that names no disk (`ext3_abort called.`) cannot be a mark; it never stands alone.
  test.each(aborts)('no abort is missed: %s', (line) => {
    const marks = logMarks(line).filter(({ kind }) => kind === 'abort');
    const devices = said(line).flatMap(({ kind, device }) => (kind === 'abort' ? [device] : []));
    expect([...new Set(marks.map(({ device }) => device))]).toEqual([...new Set(devices)]);
  });

  test('no line is an abort, or an error, that the table does not know as one', () => {
    for (const line of LINES.map(textOf)) {
      const known = said(line);
      for (const { kind, device } of logMarks(line)) {
        const same = known.filter((one) => one.device === device);
        const holds = kind === 'abort' ? same.some((one) => one.kind === 'abort') : same.length > 0;
        expect([line, kind, device, holds]).toEqual([line, kind, device, true]);
      }
    }
  });

  test('each pattern of an abort or an error is that of a line', () => {
    const unused = LOG_PATTERNS.filter(
      ({ kind, text }) =>
        kind !== 'mounted' &&
        !LINES.map(textOf).some((line) => text.test(line) && logMarks(line).some((one) => one.kind === kind)),
    );
    expect(unused.map(({ text }) => text.source)).toEqual([]);
  });
});

/** All that is loaded with a file, before anything is asked for later on. */
function loadedWith(file: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file)) return found;
  found.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(
    /^(?:import|export) (?!type )[^;]*?from '(\.[^']+)';/gm,
  );
  for (const [, path = ''] of imports) loadedWith(join(dirname(file), path), found);
  return found;
}

test('a look at the file systems does without the table', () => {
  const table = 'src/kernel-log/signatures.ts';
  expect([existsSync(table), loadedWith('src/kernel-log/events.ts').has(table)]).toEqual([true, true]);
  const look = loadedWith('src/commands/watch/once.ts');
  expect([look.has('src/kernel-log/marks.ts'), look.has(table)]).toEqual([true, false]);
});
