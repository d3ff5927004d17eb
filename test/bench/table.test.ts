import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type GrowthRow,
  growthTable,
  linear,
  median,
  type Row,
  ratio,
  ratioTarget,
  table,
  target,
  targets,
} from '../../bench/table.ts';

function row(name: string, medianSeconds: number, peakMiB = 100): Row {
  return {
    name,
    medianSeconds,
    minSeconds: medianSeconds,
    maxSeconds: medianSeconds,
    cpuSeconds: 1,
    peakMiB,
  };
}

function growth(
  ...rows: readonly (readonly [work: number, seconds: number, peakMiB: number])[]
): GrowthRow[] {
  return rows.map(([work, seconds, peakMiB]) => ({ ...row(`${work}`, seconds, peakMiB), work }));
}

test('the median is the middle value, whatever the order, and the mean of two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([10, 9, 1, 2])).toBe(5.5);
  expect(median([])).toBeNaN();
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, min: 0, max: 1e6 }), { minLength: 1 }), (values) => {
      const found = median(values);
      const half = values.length / 2;
      expect(values.filter((value) => value < found).length).toBeLessThanOrEqual(half);
      expect(values.filter((value) => value > found).length).toBeLessThanOrEqual(half);
    }),
  );
});

test('a table has the ratio of each row to the one that is named', () => {
  expect(table([row('make', 2), row('mptfix', 2.6, Number.NaN)], 'make').split('\n')).toEqual([
    '| what | median | min – max | ratio to make | processor time | peak |',
    '|---|---|---|---|---|---|',
    '| make | 2.000 s | 2.000 – 2.000 s | 1.00 | 1.00 s | 100 MiB |',
    '| mptfix | 2.600 s | 2.600 – 2.600 s | 1.30 | 1.00 s | ? |',
  ]);
});

test('a table of growth has the ratios to its first row', () => {
  expect(growthTable(growth([1, 2, 80], [40, 60, 90])).split('\n')).toEqual([
    '| what | median | min – max | work, ratio to the first row | time, ratio to the first row | peak |',
    '|---|---|---|---|---|---|',
    '| 1 | 2.00 s | 2.00 – 2.00 s | 1.00 | 1.00 | 80 MiB |',
    '| 40 | 60.00 s | 60.00 – 60.00 s | 40.0 | 30.0 | 90 MiB |',
  ]);
});

describe('a target', () => {
  const rows = [row('make', 2), row('mptfix', 2.6)];

  test('is met up to its limit, and missed above it', () => {
    expect(ratioTarget(rows, ['mptfix', 'make'], 1.3)).toBe('- mptfix at most 1.3 times make (1.30): met');
    expect(ratioTarget(rows, ['mptfix', 'make'], 1.29)).toBe(
      '- mptfix at most 1.29 times make (1.30): **missed**',
    );
  });

  test('is neither met nor missed where a row is not there', () => {
    expect(ratio(rows, 'mptfix', 'dkms')).toBeNaN();
    expect(ratioTarget(rows, ['mptfix', 'dkms'], 1)).toBe('- mptfix at most 1 times dkms (?): not measured');
    expect(target('fast', undefined)).toBe('- fast: not measured');
  });

  test('stands in a list under its heading', () => {
    expect(targets('- one', '- two')).toBe('Targets:\n\n- one\n- two');
  });
});

describe('linear growth', () => {
  test('is met where time and memory grow as the work does, or less', () => {
    expect(linear(growth([1, 1, 50], [10, 10, 60], [40, 40, 60]), 'it')).toMatch(/: met$/);
  });

  test('is missed where one step grows more than the work, though the whole does not', () => {
    // From 1 to 40 the time grows 30 times. From 10 to 40, where starting no longer counts, it grows 7.5 times.
    expect(linear(growth([1, 1, 50], [10, 4, 50], [40, 30, 50]), 'it')).toBe(
      '- it: no faster than linear (for each unit of work at most 1.88 times the time and 0.25 times the memory of the row before): **missed**',
    );
  });

  test('is missed where only the memory grows so', () => {
    expect(linear(growth([1, 1, 50], [10, 10, 600]), 'it')).toMatch(/1\.20 times the memory .*missed/);
  });

  test('is not judged by what nothing could measure', () => {
    expect(linear(growth([1, 1, Number.NaN], [10, 10, Number.NaN]), 'it')).toMatch(/: not measured$/);
    expect(linear(growth([1, 1, 50]), 'it')).toMatch(/: not measured$/);
  });
});
