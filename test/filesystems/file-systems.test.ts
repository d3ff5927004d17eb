import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileSystems } from '../../src/filesystems/file-systems.ts';
import { look } from '../../src/watch/look.ts';
import { emptyState } from '../../src/watch/state.ts';
import { guest, partitions } from '../watch/guest.ts';

test('once a superblock, with all its mounts, its names and its entry in fstab', async () => {
  const target = await guest({
    'proc/1/mountinfo': [
      '22 27 0:21 / /proc rw - proc proc rw',
      '27 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw',
      '30 27 253:0 /srv /jail ro - ext4 /dev/mapper/vg-root rw',
      '31 27 8:1 / /boot rw - ext3 /dev/sda1 ro',
      '32 27 0:40 /@home /home rw - btrfs /dev/sdb1 rw,subvol=/@home',
      '33 27 0:40 /@var /var rw - btrfs /dev/sdb1 rw,subvol=/@var',
      '34 27 0:9 / /run rw - tmpfs tmpfs rw',
    ].join('\n'),
    'proc/partitions': partitions('8:0 sda', '8:1 sda1', '8:17 sdb1', '253:0 dm-0'),
    'sys/block/dm-0/dm/name': 'vg-root\n',
    'dev/dm-0': '',
    'dev/mapper/vg-root': { link: '../dm-0' },
    'dev/sda1': '',
    'dev/sdb1': '',
    'dev/disk/by-uuid/77': { link: '../../sda1' },
    'etc/fstab':
      'UUID=77 /boot ext3 defaults 1 2\n/dev/mapper/vg-root / ext4 defaults 1 1\n/dev/sdb1 /home btrfs subvol=@home 0 0\n',
  });
  const found = await fileSystems(target);
  expect(
    found.map(({ device, name, mapper, mountPoint, mounts, fstab, intended }) => [
      ...[device, name, mapper, mountPoint, mounts.length, fstab?.line, intended],
    ]),
  ).toEqual([
    ['253:0', 'dm-0', 'vg-root', '/', 2, 2, 'rw'],
    ['8:1', 'sda1', null, '/boot', 1, 1, 'rw'],
    ['0:40', 'sdb1', null, '/home', 2, 3, 'rw'],
  ]);
});

test('old guests: /dev/root and the device mapper’s nodes', async () => {
  const target = await guest({
    'proc/mounts': 'rootfs / rootfs rw 0 0\n/dev/root / ext3 ro 0 0\n/dev/sda1 /boot ext3 rw 0 0\n',
    'proc/partitions': partitions('8:1 sda1', '8:2 sda2'),
    'etc/fstab': '/dev/sda2 / ext3 defaults 1 1\nLABEL=/boot /boot ext3 defaults 1 2\n',
  });
  expect((await fileSystems(target)).map(({ device, name, fstab }) => [device, name, fstab?.line])).toEqual([
    ['8:2', 'sda2', 1],
    ['8:1', 'sda1', 2],
  ]);
});

test('/proc/mounts, in whatever order: one place that is rw proves that the device is writable, and none else does', async () => {
  const place = fc.record({
    ro: fc.boolean(),
    name: fc.constantFrom('/', '/srv', '/jail', '/jail/lib', '/a\\040b'),
  });
  const places = fc.uniqueArray(place, { selector: ({ name }) => name, minLength: 1 });
  const others = fc.subarray([
    'none / overlay ro,lowerdir=/a 0 0',
    'none /etc/hosts 9p ro 0 0',
    '/dev/sda2 /old ext3 ro 0 0',
    'srv:/dev/sda1 /net nfs ro 0 0',
    'none /proc proc rw 0 0',
  ]);
  const order = fc.array(fc.nat(), { minLength: 10, maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(places, others, order, async (own, more, keys) => {
      const lines = [...own.map(({ name, ro }) => `/dev/sda1 ${name} ext3 ${ro ? 'ro' : 'rw'} 0 0`), ...more];
      const shuffled = lines.toSorted(
        (a, b) => (keys[lines.indexOf(a)] ?? 0) - (keys[lines.indexOf(b)] ?? 0),
      );
      const target = await guest({
        'proc/mounts': `${shuffled.join('\n')}\n`,
        'etc/fstab': `/dev/sda1 ${own[0]?.name} ext3 defaults 1 1\n`,
        'dev/kmsg': '',
      });
      const { findings } = await look(target, { state: emptyState('') });
      const found = findings.filter(({ fileSystem }) => fileSystem.source === '/dev/sda1');
      expect(found.map(({ state }) => state)).toEqual([own.every(({ ro }) => ro) ? 'read-only' : 'ok']);
      expect(findings.filter(({ state }) => state !== 'ok').length).toBeLessThan(2);
    }),
    { numRuns: 100 },
  );
});

const RW = '/dev/sda1 /x ext4 defaults 0 2\n';

test.each([
  ['turned by the kernel, fstab says rw', '8:1 / /x rw - ext4 /dev/sda1 ro', RW, 'rw'],
  ['turned by the kernel, not in fstab', '8:1 / /x rw - ext4 /dev/sda1 ro', '', 'rw'],
  ['mounted ro against fstab', '8:1 / /x ro - ext4 /dev/sda1 ro', RW, 'rw'],
  ['ro in fstab', '8:1 / /x ro - ext4 /dev/sda1 ro', '/dev/sda1 /x ext4 noatime,ro', 'ro in fstab, line 1'],
  ['a lone ro in fstab', '8:1 / /x ro - ext4 /dev/sda1 ro', '/dev/sda1 /x ext4 ro', 'ro in fstab, line 1'],
  ['by hand', '8:1 / /x ro - ext4 /dev/sda1 ro', '', 'mounted read-only, and fstab does not name it'],
  ['a bind mount', '8:1 /d /x ro - ext4 /dev/sda1 rw', '', 'mounted read-only, and fstab does not name it'],
  ['a CD', '11:0 / /x ro - iso9660 /dev/sr0 ro', '', 'iso9660 cannot be written'],
  ['an image', '7:0 / /x rw - squashfs /dev/loop0 ro', '', 'squashfs cannot be written'],
  ['a snap', '7:0 / /snap/core/1 ro - ext4 /dev/loop0 ro', '', 'a snap package'],
  [
    'a snap by FUSE',
    '0:50 / /snap/core/1 ro - fuse.snapfuse snapfuse ro',
    '',
    'fuse.snapfuse cannot be written',
  ],
  [
    'an overlay',
    '0:50 / /x ro - overlay overlay ro,lowerdir=/a:/b',
    '',
    'overlay, whose lower file systems are watched themselves',
  ],
  ['a writable overlay', '0:50 / / rw - overlay overlay rw,lowerdir=/a,upperdir=/b', '', 'rw'],
] as const)('what was wanted: %s', async (_, line, fstab, expected) => {
  const target = await guest({ 'proc/1/mountinfo': `40 1 ${line}\n`, 'etc/fstab': fstab });
  const [found] = await fileSystems(target);
  expect(found?.intended).toEqual(expected === 'rw' ? 'rw' : { readOnly: expected });
});
