import { expect, test } from 'vitest';
import { asksReadOnly, isBind, kernelNameOf, parseFstab } from '../../src/guest/fstab.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { temporary } from '../machine/temporary.ts';

test('entries with their line numbers, escapes and defaults', () => {
  const entries = parseFstab(
    [
      '# /etc/fstab',
      '',
      'UUID=0a-1 / ext4 errors=remount-ro 0 1',
      '  LABEL=/var\t/var/\text3\tdefaults,ro\t1\t2  ',
      '/dev/sdb1 /mnt/a\\040b ext3',
      '/dev/sdc1 /short',
      '/dev/sda2 none swap sw 0 0',
      '/dev/sdd1 /x ext3 defaults many -1',
    ].join('\r\n'),
  );
  expect(
    entries.map(({ source, mountPoint, dump, pass, line }) => [source, mountPoint, dump, pass, line]),
  ).toEqual([
    ['UUID=0a-1', '/', 0, 1, 3],
    ['LABEL=/var', '/var', 1, 2, 4],
    ['/dev/sdb1', '/mnt/a b', 0, 0, 5],
    ['/dev/sda2', 'none', 0, 0, 7],
    ['/dev/sdd1', '/x', 0, 0, 8],
  ]);
  expect(entries[2]?.options).toEqual(['defaults']);
});

test.each([
  ['ro', true],
  ['defaults,ro,noatime', true],
  ['rw,ro', true],
  ['ro,rw', false],
  ['defaults', false],
  ['errors=remount-ro', false],
  ['mode=ro', false],
])('%s asks for read-only: %s', (options, expected) => {
  const [entry] = parseFstab(`/dev/sda1 / ext3 ${options} 0 1`);
  expect(entry === undefined ? undefined : asksReadOnly(entry)).toBe(expected);
});

test('a bind entry is told', () => {
  expect(
    parseFstab('/srv /jail none bind,ro 0 0\n/a /b none rbind\n/dev/sda1 / ext3 ro').map(isBind),
  ).toEqual([true, true, false]);
});

test('names are resolved through udev’s links as the guest would follow them', async () => {
  const target = rootTarget(
    await temporary({
      'dev/sda1': '',
      'dev/dm-0': '',
      'dev/mapper/vg-root': { link: '../dm-0' },
      'dev/vg/root': { link: '../mapper/vg-root' },
      'dev/mapper/VolGroup00-LogVol00': 'a node in its time',
      'dev/disk/by-uuid/0a1b-22': { link: '../../sda1' },
      'dev/disk/by-label/my\\x20data': { link: '../../sda1' },
      'dev/disk/by-label/größe': { link: '../../sda1' },
      'dev/disk/by-label/evil': { link: '../../../../../../etc/passwd' },
    }),
    { dryRun: true },
  );
  const names = [
    '/dev/sda1',
    '/dev/gone',
    '/dev/mapper/vg-root',
    '/dev/vg/root',
    'UUID=0a1b-22',
    'UUID="0a1b-22"',
  ];
  expect(await Promise.all(names.map((name) => kernelNameOf(target, name)))).toEqual([
    'sda1',
    'gone',
    'dm-0',
    'dm-0',
    'sda1',
    'sda1',
  ]);
  const more = [
    'LABEL=my data',
    'LABEL=größe',
    'LABEL=none',
    'tmpfs',
    '/dev/mapper/VolGroup00-LogVol00',
    'LABEL=',
  ];
  expect(await Promise.all(more.map((name) => kernelNameOf(target, name)))).toEqual([
    'sda1',
    'sda1',
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
