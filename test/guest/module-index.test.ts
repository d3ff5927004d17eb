import { expect, test } from 'vitest';
import { isModuleFile, modulePath } from '../../src/guest/module-index.ts';
import { makeFolders } from '../../src/machine/folders.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { temporary } from '../machine/temporary.ts';

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
