import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { translated } from '../../bench/patterns.ts';
import { SIGNATURES } from '../../src/kernel-log/signatures.ts';
import { LINES } from '../kernel-log/lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'mptfix-patterns-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAMS = [
  ['grep', ['grep', '-n', '-E']],
  ['rg', ['rg', '--no-unicode', '--regex-size-limit=100M', '--line-number']],
] as const;

describe.each(PROGRAMS)('what the bench searches for with %s', (dialect, [program, ...options]) => {
  const patterns = join(folder, dialect);
  const search = (text: string): readonly number[] => {
    const log = join(folder, 'log');
    writeFileSync(log, text);
    const env = { ...process.env, LC_ALL: 'C' };
    const out = execFileSync(program, [...options, '-f', patterns, log], { env, stdio: 'pipe' });
    return [...out.toString('latin1').matchAll(/^(\d+):/gm)].map(([, line]) => Number(line));
  };

  test('finds every line that diagnose knows', () => {
    writeFileSync(
      patterns,
      `${SIGNATURES.map(({ pattern }) => translated(pattern.source, dialect)).join('\n')}\n`,
    );
    const known = LINES.filter(({ events }) => events.length > 0).map(({ line }) => line);
    const found = search(`${known.join('\n')}\n`);
    expect(known.filter((_, index) => !found.includes(index + 1))).toEqual([]);
  });

  test('is one pattern a signature, so that none matches alone what is another’s', () => {
    for (const { id, pattern } of SIGNATURES) {
      writeFileSync(patterns, `${translated(pattern.source, dialect)}\n`);
      const lines = LINES.filter(({ events }) => events.some((event) => event.id === id));
      const found = search(`${lines.map(({ line }) => line).join('\n')}\n`);
      expect(found, id).toHaveLength(lines.length);
    }
  });
});

test('a class, a group and a repetition become what the other program has for them', () => {
  const rows = [
    [String.raw`a[\w \t-]{1,9}?b`, 'a[[:alnum:]_ \t-]{1,9}b', 'a[\\w \t-]{1,9}b'],
    ['(?<device>sd[a-z])(?=(?:x|[)])|)!', '(sd[a-z])!', '(sd[a-z])!'],
    [String.raw`x(?!y(?:\)|z))(?:q)+?`, 'x(q)+', 'x(q)+'],
    [String.raw`I\/O[^\n]{0,4}[^\]\n]\d`, 'I\\/O.{0,4}[^]][0-9]', String.raw`I/O.{0,4}[^\]][0-9]`],
    [String.raw`\+?a??`, String.raw`\+?a?`, String.raw`\+?a?`],
  ] as const;
  for (const [source, grep, rg] of rows) {
    expect(translated(source, 'grep')).toBe(grep);
    expect(translated(source, 'rg')).toBe(rg);
  }
});
