import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  applyDiff,
  diffTexts,
  formatUnified,
  parseUnified,
  reverseDiff,
} from '../../../src/driver/patch/unified.ts';

const TEN = Array.from({ length: 10 }, (_, at) => `line ${at}\n`).join('');
const CHANGED = TEN.replace('line 4\nline 5\n', 'line four\n');
const DIFF = diffTexts(TEN, CHANGED, 'drivers/x.c');

test('a diff reads as `diff -u` writes it', () => {
  expect(formatUnified(DIFF)).toBe(
    [
      '--- a/drivers/x.c',
      '+++ b/drivers/x.c',
      '@@ -2,8 +2,7 @@',
      ' line 1',
      ' line 2',
      ' line 3',
      '-line 4',
      '-line 5',
      '+line four',
      ' line 6',
      ' line 7',
      ' line 8',
      '',
    ].join('\n'),
  );
});

test('applies at another line', () => {
  expect(applyDiff(`a\nb\n${TEN}`, DIFF)).toEqual({
    fits: true,
    text: `a\nb\n${CHANGED}`,
    places: [{ first: 4, last: 11 }],
  });
});

test.each([
  ['changed context', TEN.replace('line 3', 'line three'), /line 4 is 'line three' and not 'line 3'/],
  ['changed white space', TEN.replace('line 4', 'line  4'), /line 5 is 'line {2}4'/],
  ['nothing alike', 'a\nb\n', /no line reads 'line 4'/],
  ['two places', TEN + TEN, /2 places, lines 2, 12/],
  ['the outcome', CHANGED, /no line reads 'line 4'/],
])('does not apply to %s', (_name, text, reason) => {
  expect(applyDiff(text, DIFF)).toEqual({ fits: false, reason: expect.stringMatching(reason) });
});

test('a diff with LF applies to a file with CRLF, and leaves CRLF', () => {
  const crlf = (text: string) => text.replaceAll('\n', '\r\n');
  expect(applyDiff(crlf(TEN), DIFF)).toMatchObject({ text: crlf(CHANGED) });
  expect(applyDiff(crlf(CHANGED), reverseDiff(DIFF))).toMatchObject({ text: crlf(TEN) });
});

test('a file without a newline at its end', () => {
  const diff = diffTexts('a\nb', 'a\nc', 'x.c');
  expect(formatUnified(diff)).toContain(
    '-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n',
  );
  expect(applyDiff('a\nb', diff)).toMatchObject({ text: 'a\nc' });
});

test('any one change can be written, read, applied and undone', () => {
  const line = fc.constantFrom('a', 'b', 'c\r', '', '-x', '+y', '--- z');
  const lines = fc.array(line, { maxLength: 12 });
  fc.assert(
    fc.property(lines, lines, lines, lines, fc.boolean(), (head, old, fresh, tail, open) => {
      const end = open ? '' : '\n';
      const before = ['start', ...head, ...old, 'middle', ...tail].join('\n') + end;
      const after = ['start', ...head, ...fresh, 'middle', ...tail].join('\n') + end;
      fc.pre(before !== after);
      const diff = parseUnified(formatUnified(diffTexts(before, after, 'x.c'))).diff;
      const there = applyDiff(before, diff);
      const back = applyDiff(after, reverseDiff(diff));
      // Where the same lines stand twice, it says so and changes nothing.
      if (there.fits) expect(there.text).toBe(after);
      else expect(there.reason).toMatch(/places/);
      if (back.fits) expect(back.text).toBe(before);
      else expect(back.reason).toMatch(/places/);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['no head', 'hello', /no '---'/],
  ['no hunk', '--- a\n+++ b\n', /no hunk/],
  ['a bad hunk', '--- a\n+++ b\n@@ x @@\n', /line 3 is not the head of a hunk/],
  ['a short hunk', '--- a\n+++ b\n@@ -1,2 +1,2 @@\n x\n', /line 5 is not a line of a hunk/],
  ['a long hunk', '--- a\n+++ b\n@@ -1,1 +1,2 @@\n x\n y\n', /longer than its head/],
])('%s is refused', (_name, text, reason) => {
  expect(() => parseUnified(text)).toThrow(reason);
});
