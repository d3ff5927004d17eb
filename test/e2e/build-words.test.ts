import { existsSync } from 'node:fs';
import { describe, expect, inject, test } from 'vitest';
import { buildBench } from '../helpers/build.ts';
import { json } from '../helpers/cli.ts';

const fixture = inject('fixture');
const { guest, source } = fixture;
const { at, output, build } = buildBench(fixture);

describe('wrong words', () => {
  for (const [name, args] of [
    ['a --make-var without a value', ['--make-var', 'CC']],
    ['a --make-var that mptfix sets itself', ['--make-var', 'M=/etc']],
    ['a --make-var that is an option of make', ['--make-var', '-f/etc/passwd']],
  ] as const) {
    test(`${name} is a usage error`, async () => {
      const run = await build(['--source', source, '--root', guest, ...args], output());
      expect([run.status, json(run).error.code]).toEqual([2, 'E_USAGE']);
    });
  }

  test('a --make-var with shell metacharacters reaches make as one word', async () => {
    const marker = at('marker');
    const run = await build(
      ['--source', source, '--root', guest, '--make-var', `UNUSED=$(touch ${marker});touch ${marker}`],
      output(),
    );
    expect(run.status).toBe(0);
    expect(existsSync(marker)).toBe(false);
  });

  test('an output folder that cannot be made is told before the build', async () => {
    const run = await build(['--source', source, '--root', guest], '/proc/nowhere');
    expect([run.status, json(run).error.code]).toEqual([3, 'E_OUTPUT']);
  });
});
