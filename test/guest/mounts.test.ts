import { expect, test } from 'vitest';
import { readMounts } from '../../src/guest/mounts.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { temporary } from '../machine/temporary.ts';

async function mountsOf(files: Readonly<Record<string, string>>) {
  return readMounts(rootTarget(await temporary(files), { dryRun: true }));
}

test('mountinfo: any number of optional fields, octal escapes, flags of mount and superblock apart', async () => {
  const mounts = await mountsOf({
    'proc/1/mountinfo': [
      '1 1 0:2 / / rw - rootfs rootfs rw',
      '27 1 254:0 / / rw,relatime - ext4 /dev/vda ro,errors=remount-ro',
      '41 27 8:17 /sub\\040dir /mnt/a\\040b\\011c\\012d\\134e ro,nosuid shared:5 master:1 propagate_from:2 - ext3 /dev/sd\\134b1 rw',
      '',
    ].join('\n'),
    'proc/self/mountinfo': '1 0 9:9 / /other rw - ext4 /dev/other rw',
  });
  expect(mounts).toEqual([
    {
      ...{ id: 27, parent: 1, device: '254:0', root: '/', mountPoint: '/', fsType: 'ext4' },
      ...{ mountOptions: ['rw', 'relatime'], source: '/dev/vda', superOptions: ['ro', 'errors=remount-ro'] },
    },
    {
      ...{ id: 41, parent: 27, device: '8:17', root: '/sub dir', mountPoint: '/mnt/a b\tc\nd\\e' },
      ...{ fsType: 'ext3', mountOptions: ['ro', 'nosuid'], source: '/dev/sd\\b1', superOptions: ['rw'] },
    },
  ]);
});

test('the table of this process where that of process 1 cannot be read', async () => {
  const mounts = await mountsOf({
    'proc/self/mountinfo': '1 0 9:9 / /here rw - ext4 /dev/x rw',
    'proc/mounts': '/dev/y / ext3 rw 0 0',
  });
  expect(mounts.map(({ mountPoint }) => mountPoint)).toEqual(['/here']);
});

test('/proc/mounts of 2.4 and early 2.6', async () => {
  const mounts = await mountsOf({
    'proc/mounts': [
      'rootfs / rootfs rw 0 0',
      '/dev/root / ext3 ro,data=ordered 0 0',
      '/dev/mapper/VolGroup00-LogVol01 /var\\040x ext3 rw 0 0',
    ].join('\n'),
  });
  const options = ['ro', 'data=ordered'];
  expect(mounts).toEqual([
    {
      ...{ device: '', root: '/', mountPoint: '/', fsType: 'ext3', source: '/dev/root' },
      ...{ mountOptions: options, superOptions: options },
    },
    {
      ...{ device: '', root: '/', mountPoint: '/var x', fsType: 'ext3' },
      ...{ source: '/dev/mapper/VolGroup00-LogVol01', mountOptions: ['rw'], superOptions: ['rw'] },
    },
  ]);
});

test.each([
  '27 1 254:0 / / rw,relatime - ext4 /dev/vda',
  '27 1 254:0 / / rw,relatime ext4 /dev/vda rw',
  'x 1 254:0 / / rw - ext4 /dev/vda rw',
  '27 1 254 / / rw - ext4 /dev/vda rw',
  '27 1',
  '\u0000',
])('a line that makes no sense is left out: %s', async (line) => {
  const good = '28 1 8:1 / /good rw - ext4 /dev/sda1 rw';
  const mounts = await mountsOf({ 'proc/1/mountinfo': `${line}\n${good}\n` });
  expect(mounts.map(({ mountPoint }) => mountPoint)).toEqual(['/good']);
});

test('no table: nothing is mounted that can be told', async () => {
  expect(await mountsOf({ 'etc/mtab': '/dev/sda1 / ext3 rw 0 0' })).toEqual([]);
});
