import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareRpm } from '../../src/versions/rpm.ts';

/** The rules of rpm's own tests/rpmvercmp.at, each pair once; the reverse is tested with it. */
const RULES: readonly (readonly [a: string, order: -1 | 0 | 1, b: string])[] = [
  ['1.0', 0, '1.0'],
  ['1.0', -1, '2.0'],
  ['2.0', -1, '2.0.1'],
  ['2.0.1', -1, '2.0.1a'],
  ['5.5p1', -1, '5.5p2'],
  ['5.5p1', -1, '5.5p10'],
  ['10xyz', -1, '10.1xyz'],
  ['xyz10', -1, 'xyz10.1'],
  ['xyz.4', -1, '8'],
  ['xyz.4', -1, '2'],
  ['5.5p2', -1, '5.6p1'],
  ['5.6p1', -1, '6.5p1'],
  ['6.0', -1, '6.0.rc1'],
  ['10a1', -1, '10b2'],
  ['10a2', -1, '10b2'],
  ['1.0a', -1, '1.0aa'],
  ['10.0001', 0, '10.1'],
  ['10.0001', -1, '10.0039'],
  ['4.999.9', -1, '5.0'],
  ['20101121', -1, '20101122'],
  ['2_0', 0, '2.0'],
  ['a+', 0, 'a_'],
  ['+a', 0, '_a'],
  ['+_', 0, '_+'],
  ['+', 0, '_'],
  ['1.0~rc1', -1, '1.0'],
  ['1.0~rc1', -1, '1.0~rc2'],
  ['1.0~rc1~git123', -1, '1.0~rc1'],
  ['1.0', -1, '1.0^'],
  ['1.0', -1, '1.0^git1'],
  ['1.0^git1', -1, '1.0^git2'],
  ['1.0^git1', -1, '1.01'],
  ['1.0^20160101', -1, '1.0.1'],
  ['1.0^20160101^git1', -1, '1.0^20160102'],
  ['1.0~rc1', -1, '1.0~rc1^git1'],
  ['1.0^git1~pre', -1, '1.0^git1'],
  ['1b.fc17', -1, '1.fc17'],
  ['1.fc17', -1, '1g.fc17'],
];

const KERNELS: readonly (readonly [a: string, order: -1 | 0 | 1, b: string])[] = [
  ['2.6.9-5.EL', -1, '2.6.9-11.EL'],
  ['2.6.9-22.0.2.EL', -1, '2.6.9-34.EL'],
  ['2.6.9-22.EL', -1, '2.6.9-22.0.2.EL'],
  ['2.6.9-42.0.10.EL', -1, '2.6.9-55.EL'],
  ['2.6.9-89.EL', -1, '2.6.9-100.EL'],
  ['2.6.18-8.1.15.el5', -1, '2.6.18-53.el5'],
  ['2.6.18-8.el5', -1, '2.6.18-8.1.15.el5'],
  ['2.6.16.21-0.8', -1, '2.6.16.46-0.12'],
  ['2.6.18-1', -1, '2.6.32-1'],
  ['0:2.6.9-34.EL', 0, '2.6.9-34.EL'],
  ['1:2.6.9-34.EL', 1, '2.6.18-8.el5'],
  ['2.6.9', -1, '2.6.9-1'],
  ['1.99999999999999999999999', -1, '1.100000000000000000000000'],
];

describe('compareRpm', () => {
  it.each([...RULES, ...KERNELS])('%s compared: %i with %s', (a, order, b) => {
    expect(compareRpm(a, b)).toBe(order);
    expect(compareRpm(b, a)).toBe(order === 0 ? 0 : -order);
  });

  it('orders any text: the reverse is the negative, and a text equals itself', () => {
    const text = fc.string({ unit: fc.constantFrom(...'01aB.~^-:_') });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(compareRpm(a, a)).toBe(0);
        expect(compareRpm(a, b) + compareRpm(b, a)).toBe(0);
      }),
    );
  });

  it('compares megabytes', () => {
    const long = '1.~a'.repeat(500_000);
    expect(compareRpm(`${long}1`, `${long}2`)).toBe(-1);
  });
});
