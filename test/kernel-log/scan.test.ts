import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineScanner } from '../../src/kernel-log/scan.ts';
import { SIGNATURES } from '../../src/kernel-log/signatures.ts';
import { wordSearch } from '../../src/kernel-log/words.ts';

const WORDS = [...new Set(SIGNATURES.flatMap(({ needles }) => needles))];

function scanned(bytes: Buffer, pieces: readonly number[], record?: '\n' | '\n\n') {
  const lines: string[] = [];
  const next: boolean[] = [];
  const scanner = lineScanner((line, follows) => {
    lines.push(line);
    next.push(follows);
  }, record);
  let at = 0;
  for (const piece of pieces) {
    scanner.write(bytes.subarray(at, at + piece));
    at += piece;
  }
  scanner.write(bytes.subarray(at));
  scanner.end();
  return { lines, next };
}

describe('the search for many words', () => {
  const alphabet = fc.constantFrom('a', 'b', ' ', 'I/O error');
  const texts = fc.array(alphabet, { maxLength: 60 }).map((parts) => parts.join(''));
  const words = fc.uniqueArray(
    fc.string({ unit: fc.constantFrom('a', 'b', ' '), minLength: 2, maxLength: 5 }),
    {
      minLength: 1,
      maxLength: 8,
    },
  );

  test('finds what indexOf finds, first and all', () => {
    fc.assert(
      fc.property(texts, words, fc.nat({ max: 20 }), (text, list, from) => {
        const search = wordSearch(list);
        const bytes = Buffer.from(text);
        const places = list.map((word) => text.indexOf(word, from)).filter((at) => at !== -1);
        expect(search.first(bytes, from)).toBe(places.length === 0 ? -1 : Math.min(...places));
        const found = new Set<string | undefined>();
        search.each(bytes, bytes.length, (index) => found.add(list[index]));
        expect([...found].sort()).toEqual(list.filter((word) => text.includes(word)).sort());
      }),
      { numRuns: 500 },
    );
  });

  test('sees a word at the very end of the bytes, and none behind the length', () => {
    const search = wordSearch(['needle']);
    expect(search.first(Buffer.from('xxneedle'), 0)).toBe(2);
    expect(search.first(Buffer.from('xxneedl'), 0)).toBe(-1);
    const found: number[] = [];
    search.each(Buffer.from('xxneedle'), 7, (index) => found.push(index));
    expect(found).toEqual([]);
  });
});

describe('the scanner', () => {
  const line = fc.oneof(
    fc.constantFrom(...WORDS.map((word) => `kernel: ${word} 1`)),
    fc.constantFrom('', 'an ordinary line', 'sshd[1]: Accepted publickey for root', 'é'),
    fc.string({ unit: fc.constantFrom('a', ':', ' ', 'I', '/', 'O'), maxLength: 40 }),
  );

  test('gives the lines with a word, in their order, however the bytes come', () => {
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 30 }),
        fc.array(fc.nat({ max: 40 }), { maxLength: 40 }),
        (all, pieces) => {
          const wanted = all.filter((one) => WORDS.some((word) => one.includes(word)));
          expect(scanned(Buffer.from(all.join('\n')), pieces).lines).toEqual(wanted);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('knows which candidate stands right behind the one before', () => {
    const bytes = Buffer.from('Aborting journal a\nlast message repeated 3 times\nx\nAborting journal b\n');
    for (const pieces of [[], [5, 10, 9], [20]])
      expect(scanned(bytes, pieces).next).toEqual([false, true, false]);
  });

  test('a line of many megabytes is cut, and the one behind it is found', () => {
    const long = `ext3_abort called ${'x'.repeat(5_000_000)} Aborting journal`;
    const { lines } = scanned(Buffer.from(`${long}\nAborting journal on device sda.\n`), [100, 1_500_000]);
    expect(lines.map((one) => one.slice(0, 20))).toEqual(['ext3_abort called xx', 'Aborting journal on ']);
    expect(lines[0]?.length).toBeLessThanOrEqual(64 * 1024);
  });

  test('records that end with an empty line', () => {
    const bytes = Buffer.from('A=1\nMESSAGE=one\n\nA=2\nMESSAGE=Aborting journal\nB=3\n\nA=3\n\n');
    for (const pieces of [[], [18], [17, 1, 30]]) {
      expect(scanned(bytes, pieces, '\n\n').lines).toEqual(['A=2\nMESSAGE=Aborting journal\nB=3']);
    }
  });
});
