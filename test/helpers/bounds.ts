import { expect, test } from 'vitest';
import { type BoundedOptions, runBounded } from './bounded.ts';

/** Of a parser, on top of the hostile input itself; a quarter of it is garbage that nobody has collected yet. */
const MOST_MEMORY = 256 * 1024 * 1024;

/** A hostile input by its name and size, and how what happens to it begins. */
export type Bound = readonly [name: string, size: number, outcome: string];

/** Each hostile input ends as it should, before it counts as a hang, and in little memory. */
export function endsInBounds(cases: URL, bounds: readonly Bound[], options: BoundedOptions = {}): void {
  test.each(bounds)(
    '%s, %i',
    async (name, size, outcome) => {
      const ran = await runBounded(cases, name, size, options);
      expect(ran.outcome.replace(/\/var\/tmp\/mptfix-bounds-\w+/, '').slice(0, outcome.length)).toBe(outcome);
      expect(ran.memory).toBeLessThan(MOST_MEMORY);
    },
    240_000,
  );
}

/** Twice the input takes twice the steps, and not four times: counted, not timed. */
export function growsLinearly(
  cases: URL,
  sizes: readonly (readonly [name: string, size: number])[],
  options: BoundedOptions = {},
): void {
  test.each(sizes)(
    '%s',
    async (name, size) => {
      const once = await runBounded(cases, name, size, { ...options, counted: true });
      const twice = await runBounded(cases, name, 2 * size, { ...options, counted: true });
      expect(once.steps).toBeGreaterThan(1000);
      expect(twice.steps / once.steps).toBeLessThan(2.6);
    },
    240_000,
  );
}
