import semver from 'semver';
import { describe, expect, it } from 'vitest';
import type { KernelRow } from '../../../src/driver/tables/kernel-row.ts';
import { MAINLINE_ROWS, TAGS_BEFORE_A_CHANGE } from '../../../src/driver/tables/mainline.ts';
import { VENDORS } from '../../../src/driver/tables/vendors.ts';

type Compare = (a: string, b: string) => number;

const TABLES: readonly (readonly [name: string, compare: Compare, rows: readonly KernelRow[]])[] = [
  ['mainline', semver.compare, MAINLINE_ROWS],
  ...VENDORS.map(({ name, compare, rows }) => [name, compare, rows] as const),
];

describe.each(TABLES)('the rows of %s', (_name, compare, rows) => {
  it('rise, and none overlaps the next', () => {
    for (const [index, row] of rows.entries()) {
      if (row.from !== undefined && row.before !== undefined) expect(compare(row.from, row.before)).toBe(-1);
      const next = rows[index + 1];
      if (next !== undefined)
        expect(compare(row.before ?? 'none', next.from ?? 'none')).toBeLessThanOrEqual(0);
    }
  });

  it('say how for what is fixed only, and what is missing for what is unknown', () => {
    for (const { verdict, how, caveats, driver } of rows) {
      if (verdict !== 'fixed') expect(how).toBeUndefined();
      if (verdict === 'unknown') expect(caveats?.join()).toContain('needed to decide');
      if (verdict === 'affected') expect(driver).toBeDefined();
    }
  });

  it('name a product and a source', () => {
    for (const { product, source } of rows) {
      expect(product.length).toBeGreaterThan(5);
      expect(source.length).toBeGreaterThan(10);
    }
  });
});

describe('the mainline rows', () => {
  it('leave no gap', () => {
    expect(MAINLINE_ROWS.slice(1).map((row) => row.from)).toEqual(
      MAINLINE_ROWS.slice(0, -1).map((row) => row.before),
    );
  });

  it('change at the tags after those that are said to come before a change', () => {
    const verdictAt = (base: string) =>
      MAINLINE_ROWS.find((row) => row.before === undefined || semver.lt(base, row.before))?.verdict;
    expect(TAGS_BEFORE_A_CHANGE.map(verdictAt)).toEqual(['never', 'affected']);
    expect(['2.6.14-rc.3', '2.6.22-rc.1'].map(verdictAt)).toEqual(['affected', 'fixed']);
  });
});
