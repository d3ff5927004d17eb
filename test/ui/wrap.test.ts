import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keepingMarks, verbatim, width, wrapped } from '../../src/ui/wrap.ts';

test.each([
  ['words', 'one two three four five six', 'one two three four\nfive six'],
  ['a label', 'next: one two three four five', 'next: one two three\n      four five'],
  ['columns', 'a:   one two three four five', 'a:   one two three\n     four five'],
  ['a number', '  1. one two three four five', '  1. one two three\n     four five'],
  ['a mark', '- one two three four five', '- one two three four\n  five'],
  ['an indentation', '    one two three four five', '    one two three\n    four five'],
  ['a word that is too long', 'a /aaaaaaaaaaaaaaaaaaaaaaaaaa b', 'a\n/aaaaaaaaaaaaaaaaaaaaaaaaaa\nb'],
  ['a label before such a word', 'file: /aaaaaaaaaaaaaaaaaaaaaaaaaa', 'file: /aaaaaaaaaaaaaaaaaaaaaaaaaa'],
  ['a command', 'type `mptfix rollback --root /x` now', 'type\n`mptfix rollback --root /x`\nnow'],
  ['a line to type', '  $ mptfix check --root /mnt/guest', '  $ mptfix check --root /mnt/guest'],
  ['wide letters', '漢字漢字 漢字漢字 漢字漢字', '漢字漢字 漢字漢字\n漢字漢字'],
  ['colours', '\u001b[31mone two three four five\u001b[39m', '\u001b[31mone two three four\nfive\u001b[39m'],
])('%s', (_, line, expected) => {
  expect(wrapped(line, 20)).toBe(expected);
});

describe('a page stays as it is', () => {
  const LONG = 'word '.repeat(40).trim();

  test.each([undefined, 0, 19])('where the width is %s', (columns) => {
    expect(wrapped(LONG, columns)).toBe(LONG);
  });

  test('where it is marked, and the mark is gone', () => {
    for (const columns of [undefined, 40])
      expect(wrapped(`${verbatim(`${LONG}\n${LONG}`)}`, columns)).toBe(`${LONG}\n${LONG}`);
    expect(
      wrapped(
        keepingMarks(verbatim('a\nb'), (line) => `<${line}>`),
        40,
      ),
    ).toBe('<a>\n<b>');
  });
});

test('whatever the page, no word is lost, and no line is too wide that could be broken', () => {
  const word = fc.stringMatching(/^[\w:.,-]{1,12}$/);
  const line = fc.tuple(fc.nat({ max: 8 }), fc.array(word, { maxLength: 30 }));
  const page = fc.array(
    line.map(([indent, words]) => `${' '.repeat(indent)}${words.join(' ')}`.trimEnd()),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(page, fc.integer({ min: 30, max: 120 }), (lines, columns) => {
      const text = wrapped(lines.join('\n'), columns);
      expect(text.split(/\s+/)).toEqual(lines.join('\n').split(/\s+/));
      for (const one of text.split('\n')) expect(width(one)).toBeLessThanOrEqual(columns);
    }),
  );
});
