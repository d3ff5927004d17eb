import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HEAD, withPart } from '../../bench/page.ts';

const ORDER = ['build', 'check', 'watch'];

test('a part takes the place of what it had, and the rest of the page stays', () => {
  const page = withPart(withPart(HEAD, ORDER, 'build', 'old'), ORDER, 'watch', 'looks');
  expect(withPart(page, ORDER, 'build', 'new')).toBe(page.replace('old', 'new'));
});

test('a part that is new goes before those that come after it', () => {
  const page = withPart(withPart(HEAD, ORDER, 'watch', 'W'), ORDER, 'build', 'B');
  const names = (text: string) => [...text.matchAll(/^<!-- (\w+) -->$/gm)].map(([, name]) => name);
  expect(names(withPart(page, ORDER, 'check', 'C'))).toEqual(ORDER);
});

test('whatever the order of the runs, the page is the same, and a second run changes nothing', () => {
  const whole = ORDER.reduce((page, name) => withPart(page, ORDER, name, name), HEAD);
  fc.assert(
    fc.property(
      fc.shuffledSubarray(ORDER, { minLength: ORDER.length }),
      fc.constantFrom(...ORDER),
      (runs, again) => {
        const page = runs.reduce((text, name) => withPart(text, ORDER, name, name), HEAD);
        expect(page).toBe(whole);
        expect(withPart(page, ORDER, again, again)).toBe(page);
      },
    ),
  );
});

test('the page in docs/ begins as a new one would', () => {
  expect(readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8').startsWith(HEAD)).toBe(
    true,
  );
});
