import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { printable, printableJson, printablePage } from '../../src/ui/printable.ts';
import { BIN, json, mptfix } from '../helpers/cli.ts';
import { smallGuest } from '../install/small-guest.ts';
import { put, sh, temporary } from '../machine/temporary.ts';

/** A control sequence's short form, its long one, a next line, directions, separators, a width of nothing, a tag. */
const HOSTILE = '\u009b2J\u001b[2J\u0085\u202egnp\u2066\u2028\u2029\u200b\u{e0041}';
const SHOWN = '\\x9b2J\\x1b[2J\\x85\\u202egnp\\u2066\\u2028\\u2029\\u200b\\u{e0041}';
/** Whatever of it would reach a terminal. */
const LEFT = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

describe('text of unknown origin', () => {
  test('is shown with what it would do, and the rest of it stays, in every script', () => {
    expect(printable(HOSTILE)).toBe(SHOWN);
    expect(printable('a\nb\tc\r\u007f')).toBe('a\\x0ab\\x09c\\x0d\\x7f');
    expect(printable('é … “x” 日本語 עברית 😀')).toBe('é … “x” 日本語 עברית 😀');
  });

  test('of a page keeps its lines, and only those colours that are named', () => {
    expect(printablePage(`a\n${HOSTILE}\tb`)).toBe(`a\n${SHOWN}\tb`);
    const coloured = '\u001b[31mred\u001b[39m \u001b[5mblinks';
    expect(printablePage(coloured, /\p{Cc}\[(?:31|39)m/gu)).toBe('\u001b[31mred\u001b[39m \\x1b[5mblinks');
  });

  test('in a document is the same to a parser', () => {
    const text = printableJson({ [HOSTILE]: [HOSTILE] }, 2);
    expect(text).not.toMatch(LEFT);
    expect(JSON.parse(text)).toEqual({ [HOSTILE]: [HOSTILE] });
  });
});

/** A guest with a name that no file system refuses. */
async function hostileGuest(): Promise<string> {
  const { root } = await smallGuest();
  const mount = `25 1 8:1 / /mnt/${HOSTILE} rw - ext4 /dev/sda1 rw\n`;
  await put(root, {
    'proc/self/mountinfo': mount,
    'etc/fstab': '/dev/sda1 /mnt/\u202egnp\u009b ext4 defaults 0 2\n',
    'proc/partitions': 'major minor  #blocks  name\n\n   8        1    1048576 sda1\n',
  });
  const folder = join(await temporary(), HOSTILE);
  mkdirSync(folder);
  renameSync(root, join(folder, 'guest'));
  return join(folder, 'guest');
}

describe('a hostile name reaches no terminal:', () => {
  test.each([
    ['a page', ['status'], 0],
    ['a failure', ['plan', '--kernel', HOSTILE], 2],
    ['a look at file systems', ['watch', 'once'], 0],
    ['advice', ['recover'], 0],
    ['policies', ['harden'], 0],
  ] as const)('%s', async (_, words, status) => {
    const root = await hostileGuest();
    for (const more of [[], ['--json'], ['--verbose']]) {
      const run = await mptfix([...words, '--root', root, ...more]);
      expect([more, run.status]).toEqual([more, status]);
      expect(`${run.stdout}${run.stderr}`).not.toMatch(LEFT);
      expect(`${run.stdout}${run.stderr}`).toContain('\\u202egnp');
      if (more[0] === '--json') expect(json(run).schema).toMatch(/^mptfix\./);
    }
  });

  test('a terminal that shows colours that shows colours', async () => {
    const root = await hostileGuest();
    const shown = sh(
      'script -q -e -c "env -u NO_COLOR \\"$1\\" \\"$2\\" status --root \\"$3\\"" /dev/null < /dev/null',
      process.execPath,
      BIN,
      root,
    );
    expect(shown).toContain('\u001b[1moriginal');
    expect(shown).toContain(SHOWN);
    expect(shown.replace(/\p{Cc}\[(?:1|22)m|\r/gu, '')).not.toMatch(LEFT);
  });
});
