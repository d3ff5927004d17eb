import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { unpackDriver } from '../../src/kernel-source/unpack.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { silentProgress } from '../../src/progress.ts';
import { listing } from '../helpers/listing.ts';
import { type Entries, failureOf, sh, temporary } from '../machine/temporary.ts';

const machine = localTarget({ dryRun: true });
const FUSION = 'linux-6.1/drivers/message/fusion';
const TREE: Entries = {
  'linux-6.1/COPYING': 'GPL\n',
  'linux-6.1/Makefile': 'VERSION = 6\nPATCHLEVEL = 1\n',
  'linux-6.1/arch/Makefile': 'not the top one\n',
  [`${FUSION}/Makefile`]: 'obj-m := mptscsih.o\n',
  [`${FUSION}/lsi/mpi.h`]: '/* mpi */\n',
  [`${FUSION}/mptscsih.c`]: '/* driver */\n',
  'linux-6.1/drivers/message/other/fusion/mptscsih.c': 'not the driver\n',
  'linux-6.1/zorro/zorro.c': '/* last */\n',
};
const NAMES = ['Makefile', 'lsi/mpi.h', 'mptscsih.c'];

/** Packs with GNU tar; names are sorted, as a kernel's own are. */
async function pack(entries: Entries, options = '', what = '*'): Promise<string> {
  const folder = await temporary();
  const tree = await temporary(entries);
  sh(`cd "$1"; tar -P --sort=name ${options} -cf "$2/linux.tar" ${what}`, tree, folder);
  return join(folder, 'linux.tar');
}

const unpack = (path: string) => unpackDriver(machine, path, { progress: silentProgress });

describe('the driver’s folder and the top Makefile are taken out of', () => {
  test.each([
    ['GNU', '--format=gnu'],
    ['ustar', '--format=ustar'],
    ['pax', '--format=pax'],
    ['xz', '-J'],
    ['gzip', '-z'],
    ['bzip2', '-j'],
    ['zstd', '--zstd'],
  ])('a tar of the kind %s', async (_, options) => {
    const found = await unpack(await pack(TREE, options));
    expect([...found.files.keys()].sort()).toEqual(NAMES);
    expect(found.files.get('mptscsih.c')?.toString()).toBe('/* driver */\n');
    expect(found.makefile).toBe('VERSION = 6\nPATCHLEVEL = 1\n');
  });

  test('a tar whose names start with ./', async () => {
    const found = await unpack(await pack(TREE, '', './linux-6.1'));
    expect([...found.files.keys()].sort()).toEqual(NAMES);
  });

  test('a tree without a leading folder', async () => {
    const path = await pack(TREE, "--exclude=arch --transform='s,^linux-6.1/,,'");
    const found = await unpack(path);
    expect([[...found.files.keys()].sort(), found.makefile?.startsWith('VERSION')]).toEqual([NAMES, true]);
  });

  test('the driver’s folder packed alone, which has no top Makefile', async () => {
    const found = await unpack(await pack(TREE, "--transform='s,^linux-6.1/drivers/message/,,'", FUSION));
    expect([[...found.files.keys()].sort(), found.makefile]).toEqual([NAMES, undefined]);
  });

  test('a source of RHEL 4, where the routine is in mptscsi.c', async () => {
    const found = await unpack(await pack({ [`${FUSION}/mptscsi.c`]: 'x', 'linux-6.1/Makefile': '' }));
    expect([...found.files.keys()]).toEqual(['mptscsi.c']);
  });
});

test('nothing is written anywhere, and a file of more than 8 MB is no source', async () => {
  const path = await pack({ ...TREE, [`${FUSION}/huge.h`]: Buffer.alloc(9 * 1024 * 1024) }, '-z');
  const before = listing(join(path, '..'));
  expect([...(await unpack(path)).files.keys()].sort()).toEqual(NAMES);
  expect(listing(join(path, '..'))).toEqual(before);
});

/** A second tree, of a RHEL 4: its routine is in the other file. */
const SECOND: Entries = {
  'linux-2.6.9/Makefile': 'VERSION = 2\nPATCHLEVEL = 6\n',
  'linux-2.6.9/drivers/message/fusion/mptscsi.c': '/* driver */\n',
  'linux-2.6.9/drivers/message/fusion/mptscsih.c': '/* dummy */\n',
};
const LARGE = { 'linux-6.1/zz': Buffer.alloc(40 * 1024 * 1024) };

describe('a tarball with two drivers is refused, and both are named', () => {
  const LSI: Entries = { 'RHEL4/message/fusion/mptscsih.c': 'x', 'SLES10/message/fusion/mptscsih.c': 'x' };
  test.each<readonly [string, Entries, string, readonly string[]]>([
    ['two trees', { ...TREE, ...SECOND }, '', [FUSION, 'linux-2.6.9/drivers/message/fusion']],
    ['in a large one', { ...TREE, ...LARGE, ...SECOND }, '', [FUSION, 'linux-2.6.9/drivers/message/fusion']],
    ['a tree and a driver', { ...TREE, 'fusion/mptscsih.c': 'x' }, '', [FUSION, 'fusion']],
    ['LSI’s for two distros', LSI, '', ['RHEL4/message/fusion', 'SLES10/message/fusion']],
  ])('%s', async (_, entries, options, folders) => {
    const { code, what, next } = await failureOf(unpack(await pack(entries, options)));
    expect([code, next]).toEqual(['E_DRIVER_NOT_IN_SOURCE', expect.stringContaining('one of these folders')]);
    for (const folder of folders) expect(what).toContain(`"${folder}"`);
  });
});

describe('where the driver is in the tarball is told, with the Makefile of its own tree:', () => {
  const DRIVER = { 'mptscsih.c': 'x', 'lsi/mpi.h': 'x' };
  const below = (folder: string): Entries =>
    Object.fromEntries(Object.entries(DRIVER).map(([name, text]) => [`${folder}/${name}`, text]));
  /** A kernel's tree without the driver. */
  const headers: Entries = {
    'linux-headers/Makefile': 'VERSION = 3\nPATCHLEVEL = 2\n',
    'linux-headers/drivers/message/fusion/Kconfig': 'menu\n',
  };
  test.each([
    ['drivers/message/fusion', undefined],
    ['linux-6.1/drivers/message/fusion', 'VERSION = 6\nPATCHLEVEL = 1\n'],
    ['mptlinux-3.02/linux/drivers/message/fusion', undefined],
    ['SLES10/message/fusion', undefined],
    ['mptlinux-3.02/SLES10/message/fusion', undefined],
    ['fusion', undefined],
  ])('%s', async (folder, makefile) => {
    const entries = { ...below(folder), ...headers, 'linux-6.1/Makefile': 'VERSION = 6\nPATCHLEVEL = 1\n' };
    for (const options of ['', '-j']) {
      const found = await unpack(await pack(entries, options));
      expect([[...found.files.keys()].sort(), found.folder, found.makefile]).toEqual([
        ['lsi/mpi.h', 'mptscsih.c'],
        folder,
        makefile,
      ]);
    }
  });
});

test('a large archive is read to its end: what follows the driver may be another one', async () => {
  const path = await pack({ ...TREE, ...LARGE });
  let most = 0;
  const progress = {
    note: () => {},
    bytes: (done: number) => {
      most = done;
    },
  };
  const found = await unpackDriver(machine, path, { progress });
  expect([[...found.files.keys()].sort(), most > 40 * 1024 * 1024]).toEqual([NAMES, true]);
});

describe('one hostile entry refuses all of it, also behind the driver:', () => {
  const hostile: readonly [name: string, entries: Entries, options: string][] = [
    ['a name that climbs', { 'linux-6.1/zz': 'x' }, "--transform='s,^linux-6.1/zz,../zz,'"],
    ['an absolute name', { 'linux-6.1/zz': 'x' }, "--transform='s,^linux-6.1/zz,/tmp/zz,'"],
    ['a symbolic link out', { 'linux-6.1/zz': { link: '../../etc/passwd' } }, ''],
    ['an absolute symbolic link', { [`${FUSION}/zz.c`]: { link: '/etc/passwd' } }, ''],
  ];
  for (const [name, entries, options] of hostile) {
    test.each(['', '-z'])(`${name} %s`, async (packing) => {
      const path = await pack({ ...TREE, ...entries }, `${options} ${packing}`);
      expect((await failureOf(unpack(path))).code).toBe('E_ARCHIVE_UNSAFE');
    });
  }

  test('a pipe, and a hard link out', async () => {
    const tree = await temporary(TREE);
    sh('cd "$1"; mkfifo linux-6.1/zz; tar -cf pipe.tar linux-6.1; rm linux-6.1/zz', tree);
    expect((await failureOf(unpack(join(tree, 'pipe.tar')))).code).toBe('E_ARCHIVE_UNSAFE');
    sh(
      'cd "$1"; ln linux-6.1/COPYING linux-6.1/zz; tar -P --transform="flags=h;s,^linux-6.1/COPYING,/etc/shadow," -cf hard.tar linux-6.1',
      tree,
    );
    const { code, what } = await failureOf(unpack(join(tree, 'hard.tar')));
    expect([code, what]).toEqual(['E_ARCHIVE_UNSAFE', expect.stringContaining('hard link to "/etc/shadow"')]);
  });

  test('a harmless link in the driver’s folder is not followed and not taken', async () => {
    const found = await unpack(await pack({ ...TREE, [`${FUSION}/a.h`]: { link: '../../../Makefile' } }));
    expect([...found.files.keys()].sort()).toEqual(NAMES);
  });
});

describe('a damaged archive is told, not half used:', () => {
  test('a plain tar that ends within the driver', async () => {
    const path = await pack({ [`${FUSION}/mptscsih.c`]: 'x'.repeat(20_000) });
    writeFileSync(path, readFileSync(path).subarray(0, 8192));
    expect((await failureOf(unpack(path))).code).toBe('E_ARCHIVE_TRUNCATED');
  });

  test('a tar with a header whose checksum is wrong', async () => {
    const path = await pack(TREE);
    const bytes = readFileSync(path);
    const at = bytes.indexOf(`${FUSION}/mptscsih.c`);
    bytes.write('LINUX', at, 'latin1');
    writeFileSync(path, bytes);
    expect((await failureOf(unpack(path))).code).toBe('E_ARCHIVE_TRUNCATED');
  });

  test('a tarball without the driver is named as one', async () => {
    const path = await pack({ 'linux-6.1/Makefile': 'x', [`${FUSION}/Makefile`]: 'x' });
    const { code, what } = await failureOf(unpack(path));
    expect([code, what.includes(path)]).toEqual(['E_DRIVER_NOT_IN_SOURCE', true]);
  });
});
