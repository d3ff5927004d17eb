import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../lab/command-line.ts';
import type { Part } from '../../lab/part.ts';
import { PARTS as ALL } from '../../lab/parts.ts';

const part = (more: Partial<Part>): Part => ({
  title: '',
  needs: [],
  run: () => Promise.resolve({ page: '', asExpected: true }),
  ...more,
});
const PARTS = {
  short: part({}),
  long: part({ onlyByName: true, options: { only: { type: 'string' } } }),
  legacy: part({ onlyByName: true, options: { kernel: { type: 'string' } } }),
};
const read = (...args: readonly string[]) => readCommandLine(args, PARTS);

describe('the lab’s command line', () => {
  it('runs without a name the parts that need neither hours nor options', () => {
    expect(read('--keep')).toMatchObject({ parts: [PARTS.short], keep: true, options: {} });
  });

  it('gives a part its options, and keeps those of every part apart', () => {
    expect(read('long', '--only', 'fs=xfs', '--work', '/srv')).toMatchObject({
      parts: [PARTS.long],
      work: '/srv',
      options: { only: 'fs=xfs' },
    });
  });

  it.each([
    [['other'], 'the lab has no part named other'],
    [['constructor'], 'the lab has no part named constructor'],
    [['long', '--kernel', 'vmlinuz'], '--kernel is an option of legacy alone'],
    [['--only', 'x'], '--only is an option of long alone'],
    [['long', '--no-such'], "Unknown option '--no-such'"],
    [['long', '--only'], "Option '--only <value>' argument missing"],
  ])('refuses %j', (args, what) => {
    expect(() => read(...args)).toThrow(expect.objectContaining({ message: expect.stringContaining(what) }));
  });
});

describe('the parts of the lab', () => {
  const options = Object.entries(ALL).flatMap(([part, { options: own = {} }]) =>
    Object.entries(own).map(([name, config]) => ({ part, name, config })),
  );
  const page = readFileSync('docs/lab.md', 'utf8');

  it.each(options)('$part has its --$name explained in docs/lab.md', ({ name }) => {
    expect(page).toMatch(new RegExp(`\\x60--${name}\\b`));
  });

  it('have options of the same name only where these take the same', () => {
    for (const { name, config } of options)
      expect(options.filter((other) => other.name === name).map((other) => other.config)).toEqual(
        options.filter((other) => other.name === name).map(() => config),
      );
  });
});
