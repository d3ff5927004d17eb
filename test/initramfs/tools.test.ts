import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { INITRAMFS_TOOLS, initramfsImages } from '../../src/initramfs/tools.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { temporary } from '../machine/temporary.ts';

const R = '2.6.18-8.el5';

async function imagesOf(...files: readonly string[]) {
  const root = await temporary(Object.fromEntries(files.map((file) => [file, 'x'])));
  for (const file of files) if (file.includes('bin/')) chmodSync(join(root, file), 0o755);
  const { images, others } = await initramfsImages(rootTarget(root, { dryRun: true }), R);
  return { images: images.map(({ path, tool }) => [path, tool?.name]), others };
}

describe('the images of a kernel and what rebuilds them:', () => {
  test.each([
    ['Debian, Ubuntu', 'usr/sbin/mkinitramfs', `initrd.img-${R}`, 'initramfs-tools'],
    ['Debian with dracut', 'usr/bin/dracut', `initrd.img-${R}`, 'dracut'],
    ['RHEL 6 and later', 'sbin/dracut', `initramfs-${R}.img`, 'dracut'],
    ['RHEL 4 and 5', 'sbin/mkinitrd', `initrd-${R}.img`, 'mkinitrd (Red Hat)'],
    ['SLES 10 and 11', 'sbin/mkinitrd', `initrd-${R}`, 'mkinitrd (SUSE)'],
    ['SLES 12', 'usr/bin/dracut', `initrd-${R}`, 'dracut'],
  ])('%s', async (_, program, image, tool) => {
    expect((await imagesOf(program, `boot/${image}`)).images).toEqual([[`/boot/${image}`, tool]]);
  });

  test('dracut’s own mkinitrd is not taken for an older one', async () => {
    const { images } = await imagesOf('usr/bin/dracut', 'usr/bin/mkinitrd', `boot/initrd-${R}`);
    expect(images).toEqual([[`/boot/initrd-${R}`, 'dracut']]);
  });

  test('an image without its tool is told without one; another kernel’s is not told', async () => {
    const { images } = await imagesOf(
      `boot/initrd.img-${R}`,
      'boot/initrd.img-2.6.18-9.el5',
      `boot/initrd.img-${R}.old`,
    );
    expect(images).toEqual([[`/boot/initrd.img-${R}`, undefined]]);
  });

  test('images of crash kernels, fallbacks and backups are told apart', async () => {
    const { images, others } = await imagesOf(
      `boot/initrd-${R}kdump.img`,
      `boot/initrd.img-${R}.bak`,
      'sbin/mkinitrd',
    );
    expect([images, others]).toEqual([
      [],
      [
        { path: `/boot/initrd-${R}kdump.img`, what: 'crash kernel (kdump)' },
        { path: `/boot/initrd.img-${R}.bak`, what: 'backup by update-initramfs' },
      ],
    ]);
  });
});

test('each tool makes an image under another name, for a kernel that is named', () => {
  const output = '/tmp/mptfix-image';
  const request = { release: R, output, modules: ['mptspi', 'sd_mod'] };
  expect(
    Object.fromEntries(INITRAMFS_TOOLS.map(({ name, build }) => [name, build(request).join(' ')])),
  ).toEqual({
    'initramfs-tools': `mkinitramfs -o ${output} ${R}`,
    dracut: `dracut --force --add-drivers mptspi sd_mod ${output} ${R}`,
    'mkinitrd (Red Hat)': `mkinitrd -f --with=mptspi --with=sd_mod ${output} ${R}`,
    'mkinitrd (SUSE)': `mkinitrd -k vmlinuz-${R} -i ../tmp/mptfix-image -b /boot`,
  });
});

test('the checksum that older releases of update-initramfs keep is the image’s line of sha1sum', () => {
  const [state] = INITRAMFS_TOOLS[0]?.stateFiles(R) ?? [];
  const sha1 = 'a'.repeat(40);
  expect([state?.path, state?.content({ path: `/boot/initrd.img-${R}`, sha1 })]).toEqual([
    `/var/lib/initramfs-tools/${R}`,
    `${sha1}  /boot/initrd.img-${R}\n`,
  ]);
});
