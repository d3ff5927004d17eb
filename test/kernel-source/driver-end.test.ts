import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { driverEnd } from '../../src/kernel-source/driver-end.ts';
import { sh, temporary } from '../machine/temporary.ts';
import { gitArchive } from './packed.ts';
import { FUSION, kernelTree, TOP } from './xz/packed-tree.ts';

const COMMIT = `52 comment=${'0123456789'.repeat(4)}\n`;
/** The name at which the driver's folder is known to be over; undefined where it never is. */
const endOf = (names: readonly string[], header = COMMIT): string | undefined => {
  const end = driverEnd();
  end.header(header);
  return names.find((name) => {
    end.entry(name);
    return end.passed() !== undefined;
  });
};

const NAMES = [
  `${TOP}/`,
  `${TOP}/.gitignore`,
  `${TOP}/Makefile`,
  `${TOP}/drivers/message/`,
  `${FUSION}/`,
  `${FUSION}/Kconfig`,
  `${FUSION}/lsi/`,
  `${FUSION}/lsi/mpi.h`,
  `${FUSION}/mptscsih.c`,
  `${TOP}/drivers/message/i2o/`,
  `${TOP}/drivers/message/i2o/bus-osm.c`,
];
const AFTER = `${TOP}/drivers/message/i2o/`;

test('what git has written is over with the first name behind the folder', async () => {
  expect(endOf(NAMES)).toBe(AFTER);
  const tree = await temporary();
  const path = await gitArchive({ ...kernelTree(), [`${TOP}/drivers/mfd/x.c`]: 'x' }, `${TOP}/`);
  const names = sh('cd "$1"; tar -tf "$2"', tree, path).trim().split('\n');
  expect(names[0]).toBe(`${TOP}/`);
  expect(endOf(names)).toBe(`${TOP}/drivers/message/other/`);
});

describe('it is never over:', () => {
  const without = (name: string) => NAMES.filter((one) => one !== name);
  const NEVER: readonly (readonly [why: string, names: readonly string[], header?: string])[] = [
    ['no word of git', NAMES, '15 comment=hello\n'],
    ['a commit and more', NAMES, `${COMMIT}30 path=linux-6.1/fusion/x.c\n`],
    ['no folder that holds all', without(`${TOP}/`)],
    ['a folder of two names', ['a/linux/', ...NAMES.map((name) => `a/${name}`)]],
    ['names that begin with ./', ['./', ...NAMES.map((name) => `./${name}`)]],
    ['the folder above', ['../', ...NAMES.map((name) => `../${name}`)]],
    ['another tree in front', [`${TOP}/`, 'linux-2.6.9/', ...NAMES.slice(1)]],
    ['a name twice', [...NAMES.slice(0, -2), `${FUSION}/mptscsih.c`, AFTER]],
    ['an order that is none', [...NAMES.slice(0, 2), `${TOP}/zorro/`, ...NAMES.slice(2)]],
    ['nothing behind it', NAMES.slice(0, -2)],
    ['what one order has in it, and another behind it', [...NAMES.slice(0, -2), `${FUSION}-x`]],
  ];
  for (const [why, names, header] of NEVER) {
    test(why, () => expect(endOf(names, header)).toBeUndefined());
  }
});

test('whatever the names are: what git would write in this order has nothing of the driver behind the end', () => {
  const part = fc.constantFrom(
    'drivers',
    'message',
    'fusion',
    'fusion-x',
    'lsi',
    'a',
    'zz',
    'Makefile',
    'é',
    '-',
  );
  const name = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => `t/${parts.join('/')}`);
  const inside = fc
    .array(part, { minLength: 1, maxLength: 2 })
    .map((parts) => `t/drivers/message/fusion/${parts.join('/')}`);
  fc.assert(
    fc.property(fc.array(fc.oneof(name, inside), { maxLength: 30 }), fc.boolean(), (some, isSorted) => {
      const list = isSorted
        ? [...new Set(some)].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
        : some;
      const names = ['t/', ...list];
      const over = endOf(names);
      if (over === undefined) return;
      const at = names.indexOf(over);
      // Up to there they ascend; and where all of them do, none of the driver's follows.
      const before = names.slice(0, at + 1);
      expect(before.some((one, index) => index > 0 && one === before[index - 1])).toBe(false);
      if (isSorted)
        expect(names.slice(at).some((one) => one.startsWith('t/drivers/message/fusion/'))).toBe(false);
    }),
    { numRuns: 300 },
  );
});
