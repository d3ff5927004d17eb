import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { folderNames, linkText, listing, mayWrite, wholeFile } from '../src/machine/ssh/scripts.ts';
import { shQuote, shQuoteAll } from '../src/sh-quote.ts';

const SHELLS: readonly (readonly [file: string, ...words: string[]])[] = [
  ['dash'],
  ['busybox', 'ash'],
  ['bash', '--posix'],
  ['bash'],
  ['mksh'],
];

/** What a shell acts on, beside anything else. */
const NASTY = fc.constantFrom(
  ...`'"\\$\`!*?[]{}()<>|&;#~=%-@:^ \t\n\r\u0001\u007f\u001bé日`,
  "'\\''",
  '$(',
  '${',
  '\\\n',
  '-n',
  '--',
);
const word = fc
  .array(fc.oneof(NASTY, fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 12 })
  .map((parts) => parts.join('').replaceAll('\0', ''))
  // What is no Unicode text comes from no file name that Node gives.
  .map((text) => Buffer.from(text).toString('utf8'));

test.each(SHELLS)(
  '%s reads each word as it was, from standard input, also within backquotes by a name',
  (file, ...words) => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (all) => {
        const script = `for one in ${shQuoteAll(all)}; do cat <<E
[$one]
E
done
f=${shQuote(all[0] ?? '')}
g=\`printf '%sx' "$f"\`
printf '%s' "$g"
`;
        const expected = `${all.map((one) => `[${one}]\n`).join('')}${all[0]}x`;
        expect(execFileSync(file, words, { input: script }).toString()).toBe(expected);
      }),
      { numRuns: 60 },
    );
  },
);

test('every script of a path is one that sh takes, and runs nothing of the path', () => {
  const hit = '/tmp/mptfix-quote-hit';
  const attack = fc.constantFrom(
    `$(touch ${hit})`,
    `\`touch ${hit}\``,
    `'; touch ${hit}; '`,
    `\n touch ${hit}\n`,
    `"; touch ${hit}; "`,
    '\\`',
    "\\'",
  );
  const scripts = [
    (path: string) => wholeFile(path, 100),
    (path: string) => listing(path, 'tell'),
    folderNames,
    linkText,
    mayWrite,
  ];
  fc.assert(
    fc.property(
      fc.array(fc.oneof(attack, word), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...scripts),
      fc.constantFrom(...SHELLS),
      (parts, make, [file, ...words]) => {
        const script = `(\n${make(`/nowhere/${parts.join('')}`)}\n) </dev/null 2>/dev/null; echo end\ntest ! -e ${hit} || echo HIT\n`;
        const out = execFileSync(file, words, { input: script, env: { PATH: process.env.PATH } }).toString();
        expect(out.replace(/^missing\n/, '')).toBe('end\n');
      },
    ),
    { numRuns: 150 },
  );
});

test('a NUL, which no word can hold, is refused', () => {
  expect(() => shQuote('a\0b')).toThrow('NUL');
});
