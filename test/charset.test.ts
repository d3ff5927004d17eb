import { afterEach, describe, expect, test } from 'vitest';
import { isAsciiOnly, learnCharset } from '../src/charset.ts';
import { typed } from '../src/typed.ts';
import { shownHere } from '../src/ui/ascii.ts';
import { printableJson } from '../src/ui/printable.ts';

afterEach(() => learnCharset({}));

test.each([
  [{}, false],
  [{ LANG: 'C' }, true],
  [{ LANG: 'POSIX' }, true],
  [{ LANG: 'C.UTF-8' }, false],
  [{ LANG: 'de_DE.utf8@euro' }, false],
  [{ LANG: 'de_DE@euro' }, true],
  [{ LANG: 'en_US.ISO-8859-1' }, true],
  [{ LANG: 'en_US' }, true],
  [{ LANG: 'en_US.UTF-8', LC_ALL: 'C' }, true],
  [{ LANG: 'C', LC_ALL: 'en_US.UTF-8' }, false],
  [{ LANG: 'C', LC_CTYPE: 'en_US.UTF-8' }, false],
  [{ LC_CTYPE: 'C', LC_ALL: 'en_US.UTF-8', LANG: 'C' }, false],
  [{ LANG: 'en_US.UTF-8', LC_ALL: '', LC_CTYPE: '' }, false],
] as const)('%j', (env, expected) => {
  learnCharset(env);
  expect(isAsciiOnly()).toBe(expected);
});

describe('where only ASCII is shown', () => {
  test('our signs have others in their place, and foreign letters their codes', () => {
    learnCharset({ LANG: 'C' });
    expect(shownHere('the guest’s “file” … 1–2 · a → b × ✔ ⠋ gäst 漢 😀')).toBe(
      'the guest\'s "file" ... 1-2 - a -> b x + . g\\xe4st \\u6f22 \\u{1f600}',
    );
  });

  test('a document says the same to a parser', () => {
    learnCharset({ LANG: 'C' });
    const document = { a: 'gäst’s 😀\n', 漢: 1 };
    const text = printableJson(document, 2);
    expect(text).not.toMatch(/[^\0-\x7f]/);
    expect(JSON.parse(text)).toEqual(document);
  });

  test('a command to type means the same to a shell', () => {
    learnCharset({ LANG: 'C' });
    expect(typed('check', [], { root: '/mnt/gäst' })).toBe("`mptfix check --root $'/mnt/g\\303\\244st'`");
  });
});

test('else all is shown as it is', () => {
  expect(shownHere('the guest’s gäst')).toBe('the guest’s gäst');
  expect(typed('check', [], { root: '/mnt/gäst' })).toBe("`mptfix check --root '/mnt/gäst'`");
});
