import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canCompile, eraOf } from '../../../src/build/toolchain/compilers-by-era.ts';

function verdict(base: string, gcc: string): boolean | undefined {
  const era = eraOf(base);
  return era === undefined ? undefined : canCompile(era, gcc);
}

describe('whether a gcc can compile a kernel', () => {
  test.each([
    ['2.6.9', '3.4.5', true],
    ['2.6.9', '4.1.2', false],
    ['2.6.5', '3.3.3', true],
    ['2.6.15', '4.0.3', true],
    ['2.6.15', '12.2.0', false],
    ['2.6.16.60', '4.1.2', true],
    ['2.6.18', '4.1.1', true],
    ['2.6.18', '2.95.4', false],
    ['2.6.18', '5.4.0', false],
    ['2.6.18', '12.2.0', false],
    ['2.6.32', '4.4.7', true],
    ['3.10.0', '4.8.5', true],
    ['3.16.0', '12.2.0', false],
    ['4.1.0', '5.4.0', true],
    ['4.1.0', '6.3.0', false],
    ['4.4.0', '12.2.0', true],
    ['5.10.0', '10.2.1', true],
    ['5.10.0', '4.8.5', false],
    ['6.1', '12', true],
    ['6.12.118', '14.2.0', true],
    ['6.17', '7.5.0', false],
    ['2.4.21', '3.2.3', undefined],
    ['', '12.2.0', undefined],
  ])('%s by gcc %s: %s', (base, gcc, expected) => {
    expect(verdict(base, gcc)).toBe(expected);
  });

  test('is told of every kernel since 2.6, by one era', () => {
    const numbers = fc.tuple(fc.integer({ min: 3, max: 9 }), fc.nat(40), fc.nat(300));
    fc.assert(fc.property(numbers, (parts) => void expect(eraOf(parts.join('.'))).toBeDefined()));
    fc.assert(fc.property(fc.nat(60), (sub) => void expect(eraOf(`2.6.${sub}`)).toBeDefined()));
  });
});
