import { expect, test } from 'vitest';
import { mappedLoader, runAgain } from '../../src/boot/mapped.ts';
import { bootGuest } from './guest.ts';

const LILO = { 'etc/lilo.conf': 'boot=/dev/sda\nimage=/boot/vmlinuz\n' };
const GRUB = { 'boot/grub/menu.lst': 'title a\n' };

test.each([
  ['no loader at all', {}, undefined],
  ['GRUB alone', GRUB, undefined],
  ['lilo alone', LILO, 'lilo, certain'],
  ['lilo.conf beside a menu of GRUB', { ...LILO, ...GRUB }, 'lilo'],
  ['lilo.conf beside a menu of GRUB 2', { ...LILO, 'boot/grub2/grub.cfg': '' }, 'lilo'],
  [
    'SUSE with both, by lilo',
    { ...LILO, ...GRUB, 'etc/sysconfig/bootloader': '# x\nLOADER_TYPE="lilo"\n' },
    'lilo, certain',
  ],
  [
    'SUSE with both, by GRUB',
    { ...LILO, ...GRUB, 'etc/sysconfig/bootloader': 'LOADER_TYPE="grub"\n' },
    undefined,
  ],
  ['SUSE that does not say', { ...LILO, 'etc/sysconfig/bootloader': 'DEFAULT_NAME=""\n' }, 'lilo, certain'],
  ['zipl', { 'etc/zipl.conf': '[ipl]\n' }, 'zipl, certain'],
  ['a link that leads to itself', { 'etc/lilo.conf': { link: 'lilo.conf' } }, undefined],
] as const)('%s', async (_, files, expected) => {
  const found = await mappedLoader((await bootGuest(files)).target);
  expect(found && `${found.name}${found.certain ? ', certain' : ''}`).toBe(expected);
});

test('what is to be done is said with its reason', () => {
  const lilo = { name: 'lilo', config: '/etc/lilo.conf', certain: true, keepsBlocks: true } as const;
  expect(runAgain(lilo, true)).toBe(
    'the guest boots by lilo, which notes where each image lies on the disk: run `lilo` in the guest before the next boot; until then it boots with the old initramfs, which must stay in /boot',
  );
  expect(runAgain({ ...lilo, certain: false }, false)).toBe(
    'if the guest boots by lilo (it has /etc/lilo.conf), which notes where each image lies on the disk: run `lilo` in the guest before the next boot; until then it may not boot',
  );
});

test.each([
  ['/dev/sda1 /boot ext3 defaults 1 2', true],
  ['/dev/sda1 / ext3 defaults 1 1', true],
  ['/dev/sda1 /boot vfat defaults 1 2', false],
])('%s: the old image’s blocks stay: %s', async (line, keeps) => {
  const found = await mappedLoader((await bootGuest({ ...LILO, 'etc/fstab': `${line}\n` })).target);
  expect(found?.keepsBlocks).toBe(keeps);
  expect(found && runAgain(found, true).endsWith('until then it may not boot')).toBe(!keeps);
});
