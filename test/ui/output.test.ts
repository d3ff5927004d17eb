import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { columns, size, style } from '../../src/ui/output.ts';
import { sh, temporary } from '../machine/temporary.ts';

test('labels are one column and values another, whatever their lengths', () => {
  expect(
    columns([
      ['guest', '/mnt'],
      ['a longer label', 'x'],
      ['', 'y'],
    ]),
  ).toBe('guest:          /mnt\na longer label: x\n:               y');
  expect(columns([])).toBe('');
});

test.each([
  [0, '0 B'],
  [1, '1 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [100 * 1024, '100 KiB'],
  [130 * 1024 * 1024, '130 MiB'],
  [3.25 * 1024 ** 3, '3.3 GiB'],
  [5000 * 1024 ** 3, '5000 GiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(size(bytes)).toBe(text);
});

describe('colour', () => {
  /** A command that prints a styled word, in a process of its own. */
  async function command(): Promise<string> {
    const source = JSON.stringify(resolve('src/ui/output.ts'));
    const folder = await temporary({
      'print.mjs': `import { style } from ${source}; process.stdout.write(style('red', 'x'));`,
    });
    return `${process.execPath} ${folder}/print.mjs`;
  }

  /** Runs it on a terminal of its own, as script(1) of util-linux gives one. */
  const onTerminal = async (environment: string) =>
    sh('script -q -e -c "$1" /dev/null < /dev/null', `${environment} ${await command()}`);
  const RED = '\u001B[31mx\u001B[39m';

  test('is used on a terminal', async () => {
    expect(await onTerminal('env -u NO_COLOR')).toContain(RED);
  });

  test('is not used on a terminal where NO_COLOR is set; an empty one is none', async () => {
    const plain = await onTerminal('env NO_COLOR=1');
    expect([plain.includes('x'), plain.includes('\u001B')]).toEqual([true, false]);
    expect(await onTerminal('env NO_COLOR=')).toContain(RED);
  });

  test('is not used off a terminal', async () => {
    expect(style('bold', 'x')).toBe('x');
    expect(sh(`env -u NO_COLOR ${await command()}`)).toBe('x');
  });
});
