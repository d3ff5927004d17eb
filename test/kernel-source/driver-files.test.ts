import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  driverPath,
  isTopMakefile,
  readDriverTree,
  treeVersion,
} from '../../src/kernel-source/driver-files.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, temporary } from '../machine/temporary.ts';

const machine = localTarget({ dryRun: true });
const DRIVER = {
  'mptscsih.c': 'c',
  'mptscsih.o': 'an object that was built here',
  '.mptscsih.o.cmd': 'cmd',
  'mptscsih.ko': 'a module',
  Makefile: 'obj-m',
  'Makefile.lib': 'more',
  Kconfig: 'config',
  'lsi/mpi.h': 'h',
};
const SOURCES = ['Kconfig', 'Makefile', 'Makefile.lib', 'lsi/mpi.h', 'mptscsih.c'];
const below = (folder: string) =>
  Object.fromEntries(Object.entries(DRIVER).map(([name, text]) => [`${folder}/${name}`, text]));

describe('the driver is read', () => {
  test('from a kernel’s tree, with its top Makefile, and without what was built there', async () => {
    const tree = await temporary({ ...below('drivers/message/fusion'), Makefile: 'VERSION = 2\n' });
    const before = listing(tree);
    const { files, makefile } = await readDriverTree(machine, tree);
    expect([[...files.keys()].sort(), makefile]).toEqual([SOURCES, 'VERSION = 2\n']);
    expect(listing(tree)).toEqual(before);
  });

  test('from its own folder, whose Makefile is not a kernel’s', async () => {
    const tree = await temporary(DRIVER);
    const { files, makefile } = await readDriverTree(machine, tree);
    expect([[...files.keys()].sort(), makefile]).toEqual([SOURCES, undefined]);
  });

  test('also where a link leads back up: it ends', async () => {
    const tree = await temporary({ ...DRIVER, loop: { link: '.' } });
    const { files } = await readDriverTree(machine, tree);
    expect(files.get('mptscsih.c')?.toString()).toBe('c');
  });
});

test.each([{ 'drivers/message/fusion/Makefile': 'x' }, { README: 'x' }])(
  '%o is no source',
  async (entries) => {
    const tree = await temporary(entries);
    const { code, what } = await failureOf(readDriverTree(machine, tree));
    expect([code, what.includes(tree)]).toEqual(['E_DRIVER_NOT_IN_SOURCE', true]);
    expect((await failureOf(readDriverTree(machine, join(tree, 'none')))).code).toBe(
      'E_DRIVER_NOT_IN_SOURCE',
    );
  },
);

test.each([
  ['linux-6.1/drivers/message/fusion/mptscsih.c', 'mptscsih.c'],
  ['./linux-6.1/drivers/message/fusion/lsi/mpi.h', 'lsi/mpi.h'],
  ['drivers/message/fusion/a', 'a'],
  ['fusion/a', 'a'],
  ['linux-6.1/x/drivers/message/fusion/a', undefined],
  ['linux-6.1/drivers/message/fusion', undefined],
  ['linux-6.1/drivers/message/fusion/', undefined],
  ['other-fusion/a', undefined],
])('%s is %s of the driver', (path, name) => {
  expect(driverPath(path)).toBe(name);
});

test.each([
  ['Makefile', true],
  ['./Makefile', true],
  ['linux-6.1/Makefile', true],
  ['./linux-6.1/Makefile', true],
  ['linux-6.1/arch/Makefile', false],
  ['linux-6.1/Makefile.lib', false],
])('%s is the top Makefile: %s', (path, answer) => {
  expect(isTopMakefile(path)).toBe(answer);
});

describe('a top Makefile tells its version:', () => {
  test.each([
    ['VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 192\nEXTRAVERSION =\nNAME = Curry\n', '6.1.192'],
    ['VERSION = 2\nPATCHLEVEL = 6\nSUBLEVEL = 18\nEXTRAVERSION = -8.el5\n', '2.6.18'],
    ['# SPDX\nVERSION=3\nPATCHLEVEL\t=\t2\n', '3.2'],
    ['VERSION = 2\nPATCHLEVEL = 6\nSUBLEVEL =\nEXTRAVERSION = .1\n', '2.6'],
  ])('%j', (text, version) => {
    expect(treeVersion(text)).toBe(version);
  });

  test.each([
    'include /usr/src/linux-headers-6.1.0-9-common/Makefile\n',
    'VERSION = 6\n',
    'PATCHLEVEL = 6\n',
    'VERSION = $(shell id)\nPATCHLEVEL = 1\n',
    'XVERSION = 6\nPATCHLEVEL = 1\n',
    '',
  ])('%j tells none', (text) => {
    expect(treeVersion(text)).toBe(undefined);
  });
});
