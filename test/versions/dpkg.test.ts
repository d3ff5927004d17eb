import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareDpkg } from '../../src/versions/dpkg.ts';

const TABLE: readonly (readonly [a: string, order: -1 | 0 | 1, b: string])[] = [
  ['6.1.192-2', 1, '6.1.192-1'],
  ['6.1.192-2', -1, '6.1.1000-1'],
  ['2.6.18.dfsg.1-13etch6', -1, '2.6.18.dfsg.1-24'],
  ['2.6.18.dfsg.1-24etch2', 1, '2.6.18.dfsg.1-24'],
  ['2.6.22~rc1-1', -1, '2.6.22-1'],
  ['2.6.22~rc1-1', 1, '2.6.22~rc1~git1-1'],
  ['2.6.15-26.46', -1, '2.6.15-51.66'],
  ['2.6.15-26.46', -1, '2.6.20-15.27'],
  ['5.10.0-0.bpo.3', -1, '5.10.0-3'],
  ['1:1.0', 1, '2.0'],
  ['0:2.0', 0, '2.0'],
  ['1.0-0', 0, '1.0'],
  ['1.00', 0, '1.0'],
  ['1.0', -1, '1.0a'],
  ['1.0a', -1, '1.0+'],
  ['1.0~', -1, '1.0'],
  ['1.0~~', -1, '1.0~'],
  ['1.0~~a', -1, '1.0~'],
  ['1.0-1', -1, '1.0-1+b1'],
  ['1.0-1-1', 1, '1.0-1'],
  ['1.99999999999999999999999', -1, '1.100000000000000000000000'],
  ['0001:1', 0, '1:1'],
  ['1.Z', -1, '1.a'],
];

/** What dpkg itself says of each pair, in one process for all. */
function byDpkg(pairs: readonly (readonly [string, string])[]): readonly number[] {
  const script =
    'while read -r a b; do if dpkg --compare-versions "$a" lt "$b"; then echo -1; ' +
    'elif dpkg --compare-versions "$a" gt "$b"; then echo 1; else echo 0; fi; done';
  const input = pairs.map(([a, b]) => `${a} ${b}\n`).join('');
  const output = execFileSync('sh', ['-c', script], { input, encoding: 'utf8' });
  return output.trim().split('\n').map(Number);
}

describe('compareDpkg', () => {
  it.each(TABLE)('%s compared with %s is %i', (a, order, b) => {
    expect(compareDpkg(a, b)).toBe(order);
    expect(compareDpkg(b, a)).toBe(order === 0 ? 0 : -order);
  });

  it('agrees with dpkg on the table', () => {
    expect(byDpkg(TABLE.map(([a, , b]) => [a, b]))).toEqual(TABLE.map(([, order]) => order));
  });

  it('agrees with dpkg on made versions', () => {
    const part = fc.string({ unit: fc.constantFrom(...'0019aZ.+~'), maxLength: 6 });
    const version = fc
      .tuple(
        fc.constantFrom('', '0:', '1:', '02:'),
        fc.nat(20),
        part,
        fc.constantFrom('', '-0', '-1', '-~', '-a~1'),
      )
      .map(([epoch, first, rest, revision]) => `${epoch}${first}${rest}${revision}`);
    const pairs = fc.array(fc.tuple(version, version), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(pairs, (made) => {
        expect(made.map(([a, b]) => compareDpkg(a, b))).toEqual(byDpkg(made));
      }),
      { numRuns: 8 },
    );
  }, 60_000);

  it('orders any text: the reverse is the negative, and a text equals itself', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(compareDpkg(a, a)).toBe(0);
        expect(compareDpkg(a, b) + compareDpkg(b, a)).toBe(0);
      }),
    );
  });

  it('compares megabytes', () => {
    const long = '1.~a'.repeat(500_000);
    expect(compareDpkg(`${long}1`, `${long}2`)).toBe(-1);
  });
});
