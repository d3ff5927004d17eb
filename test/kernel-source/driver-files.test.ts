import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  driverPlace,
  makefileFolder,
  readDriverTree,
  treeOf,
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

  test.each([
    ['linux-2.6.18/drivers/message/fusion', 'VERSION = 2\n'],
    ['mptlinux/linux-2.6.18/drivers/message/fusion', 'VERSION = 2\n'],
    ['SLES10/message/fusion', undefined],
    ['mptlinux-3.02/SLES10/message/fusion', undefined],
  ])('from a folder that holds %s', async (folder, makefile) => {
    const tree = await temporary({
      ...below(folder),
      'linux-2.6.18/Makefile': 'VERSION = 2\n',
      'mptlinux/linux-2.6.18/Makefile': 'VERSION = 2\n',
      'a/b/c/mptscsih.c': 'in no folder of a driver',
      linux: { link: folder },
    });
    const found = await readDriverTree(machine, tree);
    expect([[...found.files.keys()].sort(), found.folder, found.makefile]).toEqual([
      SOURCES,
      folder,
      makefile,
    ]);
  });

  test('but not from a folder with two: both are named', async () => {
    const [a, b] = ['linux-2.6.18/drivers/message/fusion', 'linux-2.6.9/drivers/message/fusion'];
    const { code, what } = await failureOf(
      readDriverTree(machine, await temporary({ ...below(a), [`${b}/mptscsi.c`]: 'c' })),
    );
    expect([code, what]).toEqual([
      'E_DRIVER_NOT_IN_SOURCE',
      expect.stringContaining(`the driver 2 times: "${a}", "${b}"`),
    ]);
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
  ['linux-6.1/drivers/message/fusion/mptscsih.c', 'linux-6.1/drivers/message/fusion', 'mptscsih.c'],
  ['./linux-6.1/drivers/message/fusion/lsi/mpi.h', 'linux-6.1/drivers/message/fusion', 'lsi/mpi.h'],
  ['drivers/message/fusion/a', 'drivers/message/fusion', 'a'],
  ['fusion/a', 'fusion', 'a'],
  ['mptlinux-3.02/x/drivers/message/fusion/a', 'mptlinux-3.02/x/drivers/message/fusion', 'a'],
  ['SLES10/message/fusion/lsi/mpi.h', 'SLES10/message/fusion', 'lsi/mpi.h'],
  ['message/fusion/a', 'message/fusion', 'a'],
  ['linux-6.1/drivers/message/fusion', undefined, undefined],
  ['linux-6.1/drivers/message/fusion/', undefined, undefined],
  ['linux-6.1/drivers/message/other/fusion/a', undefined, undefined],
  ['x-message/fusion/a', undefined, undefined],
  ['other-fusion/a', undefined, undefined],
])('%s is in the driver’s folder %s', (path, folder, name) => {
  expect(driverPlace(path)).toEqual(folder === undefined ? undefined : { folder, name });
});

test.each([
  ['linux-6.1/drivers/message/fusion', 'linux-6.1/'],
  ['drivers/message/fusion', ''],
  ['SLES10/message/fusion', undefined],
  ['x-drivers/message/fusion', undefined],
  ['fusion', undefined],
])('%s is in the tree %j', (folder, top) => {
  expect(treeOf(folder)).toBe(top);
});

test.each([
  ['Makefile', ''],
  ['./Makefile', ''],
  ['linux-6.1/Makefile', 'linux-6.1/'],
  ['./linux-6.1/Makefile', 'linux-6.1/'],
  ['linux-6.1/Makefile.lib', undefined],
  ['a/b/c/d/e/Makefile', undefined],
])('%s is the Makefile of %j', (path, folder) => {
  expect(makefileFolder(path)).toBe(folder);
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
