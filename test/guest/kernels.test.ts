import { expect, test } from 'vitest';
import { allReleases, kernelReleases } from '../../src/guest/kernels.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { type Entries, temporary } from '../machine/temporary.ts';

const open = async (entries: Entries) => rootTarget(await temporary(entries), { dryRun: true });

test('folders and links to folders are kernels, files and odd names are not', async () => {
  const target = await open({
    'lib/modules/6.1.0-9-amd64/x': '',
    'lib/modules/6.1-alias': { link: '6.1.0-9-amd64' },
    'lib/modules/6.1-dangling': { link: 'none' },
    'lib/modules/6.1-out': { link: '/etc' },
    'lib/modules/notes.txt': '',
    'lib/modules/with space/x': '',
    'lib/modules/-rf/x': '',
    'lib/modules/--outdir=.../x': '',
    'lib/modules/6.1..0/x': '',
    'lib/modules/old/x': '',
  });
  expect(await kernelReleases(target)).toEqual(['6.1-alias', '6.1.0-9-amd64']);
});

test('files in /boot are of a kernel, unless they are copies, images or notes', async () => {
  const target = await open({
    'lib/modules/6.1.0-9-amd64/x': '',
    'boot/vmlinuz-6.1.0-9-amd64': '',
    'boot/vmlinux-2.6.5-7.97-default.gz': '',
    'boot/vmlinuz-2.6.16.21-0.8-default': '',
    'boot/System.map-2.6.18-static': '',
    'boot/config-2.6.20': '',
    'boot/config-2.6.19.old': '',
    'boot/vmlinuz-2.6.19.rpmsave': '',
    'boot/vmlinuz-2.6.19~': '',
    'boot/vmlinuz-0-rescue-4d69636b65794d6f757365': '',
    'boot/initrd.img-5.10.0-1-amd64': '',
    'boot/vmlinuz-rf': '',
    'boot/memtest86+.bin': '',
  });
  expect(await allReleases(target)).toEqual([
    '2.6.16.21-0.8-default',
    '2.6.18-static',
    '2.6.20',
    '6.1.0-9-amd64',
  ]);
});
