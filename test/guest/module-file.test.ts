import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isModuleFile, moduleFile, modulePath } from '../../src/guest/module-file.ts';
import { makeFolders } from '../../src/machine/folders.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { type Entries, failureOf, temporary } from '../machine/temporary.ts';

const RELEASE = '6.1.0-9-amd64';
const MODULES = `lib/modules/${RELEASE}`;
const FUSION = `${MODULES}/kernel/drivers/message/fusion`;
const NAMES = ['mptscsih', 'mptscsi'];

const find = async (entries: Entries, names: readonly string[] = NAMES) =>
  moduleFile(rootTarget(await temporary(entries), { dryRun: true }), RELEASE, names);

const index = (path: string) => ({
  [`${MODULES}/modules.dep`]: `kernel/other.ko:\n${path}: kernel/other.ko\n`,
});

describe('the driver’s module is', () => {
  test('the one that the index gives to modprobe', async () => {
    const found = await find({
      [`${FUSION}/mptscsih.ko`]: 'the distro’s',
      [`${MODULES}/updates/mptscsih.ko`]: 'another',
      ...index('updates/mptscsih.ko'),
    });
    expect(found).toEqual({
      name: 'mptscsih',
      path: `/${MODULES}/updates/mptscsih.ko`,
      candidates: [`/${MODULES}/updates/mptscsih.ko`, `/${FUSION}/mptscsih.ko`],
      sha256: createHash('sha256').update('another').digest('hex'),
      size: 7,
    });
  });

  test('also one in a folder that is not usual, if the index says so', async () => {
    const found = await find({
      [`${FUSION}/mptscsih.ko`]: 'x',
      [`${MODULES}/odd/place/mptscsih.ko`]: 'y',
      ...index('odd/place/mptscsih.ko'),
    });
    expect(found?.path).toBe(`/${MODULES}/odd/place/mptscsih.ko`);
    expect(found?.candidates).toEqual([found?.path, `/${FUSION}/mptscsih.ko`]);
  });

  test('without an index, or with one that lies, the one that depmod would prefer', async () => {
    const both = { [`${FUSION}/mptscsih.ko`]: 'x', [`${MODULES}/extra/mptscsih.ko`]: 'y' };
    for (const entries of [both, { ...both, ...index('updates/mptscsih.ko') }])
      expect((await find(entries))?.path).toBe(`/${MODULES}/extra/mptscsih.ko`);
  });

  test.each(['mptscsih.ko.xz', 'mptscsih.ko.gz', 'mptscsih.ko.zst', 'mptscsih.o'])(
    'packed or old: %s',
    async (name) => {
      expect((await find({ [`${FUSION}/${name}`]: 'x' }))?.path).toBe(`/${FUSION}/${name}`);
    },
  );

  test('RHEL 4’s mptscsi where the first name is not there', async () => {
    expect((await find({ [`${FUSION}/mptscsi.ko`]: 'x' }))?.name).toBe('mptscsi');
    const both = { [`${FUSION}/mptscsi.ko`]: 'x', [`${FUSION}/mptscsih.ko`]: 'y' };
    expect((await find(both, ['mptscsi', 'mptscsih']))?.name).toBe('mptscsi');
  });

  test('behind a link of weak-updates, but not behind one that leads nowhere or out of the tree', async () => {
    const path = `${MODULES}/weak-updates/mptscsih.ko`;
    const real = { 'lib/modules/6.1.0-1/extra/mptscsih.ko': 'x' };
    const linked = { ...real, [path]: { link: '/lib/modules/6.1.0-1/extra/mptscsih.ko' } };
    expect((await find(linked))?.path).toBe(`/${path}`);
    expect(await find({ [path]: { link: '/none/mptscsih.ko' } })).toBe(undefined);
    expect(await find({ [path]: { link: '../../../../../../../../bin/sh' } })).toBe(undefined);
  });
});

test('a kernel without the module has none, whatever else lies there', async () => {
  expect(await find({})).toBe(undefined);
  const others = {
    [`${FUSION}/mptscsih.ko.bak`]: 'x',
    [`${FUSION}/mptspi.ko`]: 'x',
  };
  expect(await find({ ...others, ...index('kernel/gone/mptscsih.ko') })).toBe(undefined);
});

test('what has the module’s name and is no file is refused by that name, and not overlooked', async () => {
  const folder = { [`${FUSION}/mptscsih.ko/x`]: '' };
  for (const entries of [folder, { ...folder, ...index('kernel/drivers/message/fusion/mptscsih.ko') }]) {
    const { code, what } = await failureOf(find(entries));
    expect([code, what]).toEqual(['E_FILE_UNSAFE', expect.stringContaining(`${FUSION}/mptscsih.ko`)]);
  }
});

test('without an index it is looked for in every folder, and links are not followed', async () => {
  const own = `${MODULES}/extra/mptlinux/mptscsih.ko`;
  expect((await find({ [own]: 'x' }))?.path).toBe(`/${own}`);
  expect(await find({ [own]: 'x', ...index('kernel/drivers/other.ko') })).toBe(undefined);
  const linked = { 'usr/src/linux/mptscsih.ko': 'x', [`${MODULES}/build`]: { link: '/usr/src/linux' } };
  expect(await find(linked)).toBe(undefined);
});

test.each([
  ['mptscsih.ko', true],
  ['mptscsih.o', true],
  ['mptscsih.ko.xz', true],
  ['mptscsih.ko.gz', true],
  ['mptscsih.ko.zst', true],
  ['mptscsih.ko.bak', false],
  ['mptscsih.ko.xz.orig', false],
  ['mptscsih', false],
  ['mptscsihx.ko', false],
  ['xmptscsih.ko', false],
  ['.mptscsih.ko', false],
])('%s is a file of the module mptscsih: %s', (name, answer) => {
  expect(isModuleFile(name, 'mptscsih')).toBe(answer);
});

test('modules.dep of today has paths below the module folder, that of old whole ones', () => {
  const today = 'kernel/a/mptbase.ko:\nkernel/a/mptscsih.ko.xz: kernel/a/mptbase.ko\n';
  expect(modulePath(today, '6.1', 'mptscsih')).toBe('/lib/modules/6.1/kernel/a/mptscsih.ko.xz');
  const old = '/lib/modules/2.6.9/kernel/mptscsi.ko: /lib/modules/2.6.9/kernel/mptbase.ko\n';
  expect(modulePath(old, '2.6.9', 'mptscsi')).toBe('/lib/modules/2.6.9/kernel/mptscsi.ko');
  expect(modulePath(today, '6.1', 'mptspi')).toBe(undefined);
  // Only as what another module needs, and not itself.
  expect(modulePath('kernel/mptspi.ko: kernel/mptscsih.ko\n', '6.1', 'mptscsih')).toBe(undefined);
  expect(modulePath('no colon mptscsih.ko\n', '6.1', 'mptscsih')).toBe(undefined);
});

test('makeFolders answers just the folders that it made, the topmost first', async () => {
  const root = await temporary({ 'var/x': '' });
  const target = rootTarget(root, { dryRun: false });
  expect(await makeFolders(target, '/var/lib/a/b', 0o700)).toEqual([
    '/var/lib',
    '/var/lib/a',
    '/var/lib/a/b',
  ]);
  expect(await makeFolders(target, '/var/lib/a/b')).toEqual([]);
  expect((await target.stat('/var/lib/a'))?.mode).toBe(0o700);
});
