import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { orderCheck, placeOf } from '../../src/kernel-source/entry-order.ts';
import { sh } from '../machine/temporary.ts';
import { FUSION, kernelTree, pack, type Sorting, TOP } from './xz/packed-tree.ts';

const sorted = (names: readonly string[]): boolean => {
  const order = orderCheck();
  for (const name of names) order.add(name);
  return order.sorted();
};

describe('archives as they are made', () => {
  test.each(['tar', 'find', 'git'] as const)(
    '%s: the names ascend, and so do their places',
    async (sorting: Sorting) => {
      const names = sh('tar -tf "$1"', await pack(kernelTree(), { sorting }))
        .trim()
        .split('\n');
      expect(sorted(names)).toBe(true);
      for (const goal of [`${TOP}/Makefile`, `${FUSION}/`]) {
        const places = names.map((name) => placeOf(name, goal)).join(' ');
        expect(places).toMatch(/^(before )+(inside )+(after ?)+$/);
      }
    },
  );

  test('reversed, they do not', async () => {
    const names = sh('tar -tf "$1"', await pack(kernelTree(), { sorting: 'reverse' }))
      .trim()
      .split('\n');
    expect(sorted(names)).toBe(false);
  });
});

test.each([
  ['a', 'before'],
  ['a/driver', 'before'],
  ['a/drivers/', 'before'],
  ['a/drivers/message/fusion', 'before'],
  ['a/drivers/message/fusion/', 'before'],
  ['a/drivers/message/fusion/lsi/', 'inside'],
  ['a/drivers/message/fusion/x', 'inside'],
  ['a/drivers/message/fusion2', 'after'],
  ['a/drivers/message/fusion-x', undefined],
  ['a/drivers.txt', undefined],
  ['a/drivers/mfd/', 'after'],
])('%s stands %s the driver’s folder', (name, place) => {
  expect(placeOf(name, 'a/drivers/message/fusion/')).toBe(place);
});

test.each([
  ['in order', ['a/', 'a/b', 'a/c'], true],
  ['twice the same', ['a/', 'a/b', 'a/b'], false],
  ['back', ['a/', 'a/c', 'a/b'], false],
  ['by two orders that do not go together', ['p', 'p/a', 'p-x', 'q', 'q-x', 'q/a'], false],
  ['by bytes and not by UTF-16', ['a/\uFFFD', 'a/\u{1F600}'], true],
])('names %s', (_, names, answer) => {
  expect(sorted(names)).toBe(answer);
});

test('any names that are sorted in one of the ways have one place to begin and one to end', () => {
  const part = fc.constantFrom('a', 'b', 'b-', 'b.c', 'b0', 'c');
  const names = fc.array(fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')));
  fc.assert(
    fc.property(names, fc.constantFrom('/', '\0'), (list, slash) => {
      const key = (name: string) => Buffer.from(name.replaceAll('/', slash));
      const ascending = [...new Set(list)].sort((left, right) => Buffer.compare(key(left), key(right)));
      expect(sorted(ascending)).toBe(true);
      const places = ascending.map((name) => placeOf(name, 'b/b/')).filter((place) => place !== undefined);
      expect(places.join(' ')).toMatch(/^(before ?)*(inside ?)*(after ?)*$/);
    }),
    { numRuns: 1000 },
  );
});
