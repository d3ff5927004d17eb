import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planBootEntry, removeBootEntryEdits } from '../../src/boot/loaders.ts';
import type { Entries } from '../machine/temporary.ts';
import { bootGuest, grubComplaint, wishOf } from './guest.ts';

interface Menu {
  readonly name: string;
  readonly release: string;
  readonly image: string;
  /** Links by their paths in the guest, with what they say. */
  readonly links: Readonly<Record<string, string>>;
  readonly files: Entries;
  readonly loader: string;
  /** Lines of the new entry; of a loader whose menu is not edited, words of the note. */
  readonly holds: readonly string[];
  /** No line of it has these. */
  readonly lacks?: readonly RegExp[];
}

const SARGE = '2.6.8-4-686';
const SLES = '2.6.16.21-0.8-smp';
const EL5 = '2.6.18-8.el5';
const DEB = '6.1.0-28-amd64';
const SUSE = '5.14.21-150500.55-default';

const OTHER_ROOT = '/dev/sda1 / ext3 defaults 1 1\n';
const OWN_BOOT = `${OTHER_ROOT}/dev/sda2 /boot ext2 defaults 1 2\n`;

/** Menus in the shape of each distro's, which name a kernel by a link. */
const MENUS: readonly Menu[] = [
  {
    name: 'Debian: GRUB legacy, the links in /, which are relative',
    release: SARGE,
    image: `/boot/initrd.img-${SARGE}`,
    links: { '/vmlinuz': `boot/vmlinuz-${SARGE}`, '/initrd.img': `boot/initrd.img-${SARGE}` },
    files: {
      'etc/fstab': OTHER_ROOT,
      'boot/grub/menu.lst':
        'default 0\n\ntitle Debian, default\nroot (hd0,0)\nkernel /vmlinuz root=/dev/sda1 ro\ninitrd /initrd.img\n',
    },
    loader: 'grub-legacy',
    holds: [`kernel /boot/vmlinuz-${SARGE} root=/dev/sda1 ro`, `initrd /boot/initrd.img-${SARGE}.mptfix-1`],
  },
  {
    name: 'Debian: the links are absolute, and lead out of a tree unless they are followed as the guest would',
    release: SARGE,
    image: `/boot/initrd.img-${SARGE}`,
    links: { '/vmlinuz': `/boot/vmlinuz-${SARGE}`, '/initrd.img': `/boot/initrd.img-${SARGE}` },
    files: {
      'etc/fstab': OTHER_ROOT,
      'boot/grub/menu.lst':
        'title Debian\n\troot\t(hd0,0)\n\tkernel\t(hd0,0)/vmlinuz root=/dev/sda1 ro\n\tinitrd\t(hd0,0)/initrd.img\n',
    },
    loader: 'grub-legacy',
    holds: [
      `\tkernel\t(hd0,0)/boot/vmlinuz-${SARGE} root=/dev/sda1 ro`,
      `\tinitrd (hd0,0)/boot/initrd.img-${SARGE}.mptfix-1`,
    ],
  },
  {
    name: 'SLES 10: GRUB legacy, the links in /boot, on the root’s partition',
    release: SLES,
    image: `/boot/initrd-${SLES}`,
    links: { '/boot/vmlinuz': `vmlinuz-${SLES}`, '/boot/initrd': `initrd-${SLES}` },
    files: {
      'etc/fstab': OTHER_ROOT,
      'boot/grub/menu.lst':
        'default 0\ntimeout 8\n\ntitle SUSE Linux Enterprise Server 10\n    root (hd0,1)\n    kernel /boot/vmlinuz root=/dev/sda2 resume=/dev/sda1 splash=silent\n    initrd /boot/initrd\n',
    },
    loader: 'grub-legacy',
    holds: [
      `    kernel /boot/vmlinuz-${SLES} root=/dev/sda2 resume=/dev/sda1 splash=silent`,
      `    initrd /boot/initrd-${SLES}.mptfix-1`,
    ],
  },
  {
    name: 'SLES 10: GRUB legacy, the links on a boot partition of its own, which has a link boot to itself',
    release: SLES,
    image: `/boot/initrd-${SLES}`,
    links: { '/boot/vmlinuz': `vmlinuz-${SLES}`, '/boot/initrd': `initrd-${SLES}`, '/boot/boot': '.' },
    files: {
      'etc/fstab': OWN_BOOT,
      'boot/grub/menu.lst':
        'title SUSE\n    kernel (hd0,0)/vmlinuz root=/dev/sda3\n    initrd (hd0,0)/initrd\n',
    },
    loader: 'grub-legacy',
    holds: [
      `    kernel (hd0,0)/vmlinuz-${SLES} root=/dev/sda3`,
      `    initrd (hd0,0)/initrd-${SLES}.mptfix-1`,
    ],
  },
  {
    name: 'Red Hat: GRUB legacy, a boot partition, an admin’s own links; / has others, which GRUB cannot see',
    release: EL5,
    image: `/boot/initrd-${EL5}.img`,
    links: {
      '/boot/vmlinuz': `/boot/vmlinuz-${EL5}`,
      '/boot/initrd.img': `/boot/initrd-${EL5}.img`,
      '/vmlinuz': `boot/vmlinuz-${EL5}`,
      '/initrd.img': `boot/initrd-${EL5}.img`,
    },
    files: {
      'etc/fstab': 'LABEL=/ / ext3 defaults 1 1\nLABEL=/boot /boot ext3 defaults 1 2\n',
      'boot/grub/grub.conf':
        'default=0\ntitle CentOS\n\troot (hd0,0)\n\tkernel /vmlinuz ro root=/dev/VolGroup00/LogVol00\n\tinitrd /initrd.img\n',
    },
    loader: 'grub-legacy',
    holds: [
      `\tkernel /vmlinuz-${EL5} ro root=/dev/VolGroup00/LogVol00`,
      `\tinitrd /initrd-${EL5}.img.mptfix-1`,
    ],
    lacks: [/\/boot\/(vmlinuz|initrd)/],
  },
  {
    name: 'GRUB legacy: the kernel by its own name, the image by a link; another kernel’s link before it',
    release: EL5,
    image: `/boot/initrd-${EL5}.img`,
    links: {
      '/boot/initrd.img': `initrd-${EL5}.img`,
      '/boot/vmlinuz.old': 'vmlinuz-2.6.9-5.EL',
      '/boot/initrd.old': 'initrd-2.6.9-5.EL.img',
    },
    files: {
      'boot/grub/menu.lst': `title Old\nkernel /boot/vmlinuz.old ro\ninitrd /boot/initrd.old\n\ntitle New\nkernel /boot/vmlinuz-${EL5} ro\ninitrd /boot/initrd.img\n`,
      'boot/vmlinuz-2.6.9-5.EL': '',
      'boot/initrd-2.6.9-5.EL.img': '',
    },
    loader: 'grub-legacy',
    holds: [`kernel /boot/vmlinuz-${EL5} ro`, `initrd /boot/initrd-${EL5}.img.mptfix-1`],
    lacks: [/\.old/],
  },
  {
    name: 'GRUB 2 with a menu by hand: links in /, in quotes, one behind a variable',
    release: DEB,
    image: `/boot/initrd.img-${DEB}`,
    links: { '/vmlinuz': `boot/vmlinuz-${DEB}`, '/initrd.img': `boot/initrd.img-${DEB}` },
    files: {
      'etc/fstab': 'UUID=77 / ext4 errors=remount-ro 0 1\n',
      'etc/grub.d/README': '',
      'boot/grub/grub.cfg': `menuentry 'Debian' {\n\tset r='hd0,msdos1'\n\tlinux "($r)/vmlinuz" root=/dev/sda1 ro\n\tinitrd '/boot/ucode.img' (hd0,msdos1)/initrd.img\n}\n`,
    },
    loader: 'grub2',
    holds: [
      `\tlinux "($r)/boot/vmlinuz-${DEB}" root=/dev/sda1 ro`,
      `\tinitrd '/boot/ucode.img' "(hd0,msdos1)/boot/initrd.img-${DEB}.mptfix-1"`,
    ],
  },
  {
    name: 'GRUB 2 of SUSE on btrfs: links in /boot, below a subvolume and its snapshot',
    release: SUSE,
    image: `/boot/initrd-${SUSE}`,
    links: { '/boot/vmlinuz': `vmlinuz-${SUSE}`, '/boot/initrd': `initrd-${SUSE}` },
    files: {
      'etc/fstab': 'UUID=77 / btrfs defaults 0 0\nUUID=77 /home btrfs subvol=/@/home 0 0\n',
      'etc/grub.d/README': '',
      'boot/grub2/grub.cfg': `menuentry 'openSUSE' {\n\tlinux /@/.snapshots/1/snapshot/boot/vmlinuz root=UUID=77\n\tinitrd /@/.snapshots/1/snapshot/boot/initrd\n}\n`,
    },
    loader: 'grub2',
    holds: [
      `\tlinux /@/.snapshots/1/snapshot/boot/vmlinuz-${SUSE} root=UUID=77`,
      `\tinitrd /@/.snapshots/1/snapshot/boot/initrd-${SUSE}.mptfix-1`,
    ],
  },
  {
    name: 'systemd-boot: an entry by the name of its kernel with links on an ext4 at /boot',
    release: DEB,
    image: `/boot/initrd.img-${DEB}`,
    links: { '/boot/vmlinuz': `vmlinuz-${DEB}`, '/boot/initrd.img': `initrd.img-${DEB}` },
    files: {
      'etc/fstab': 'UUID=77 / ext4 defaults 0 1\nUUID=78 /boot ext4 defaults 0 2\n',
      'boot/loader/loader.conf': 'timeout 3\n',
      [`boot/loader/entries/m77-${DEB}.conf`]: `title Debian\nversion ${DEB}\nlinux /vmlinuz\ninitrd /initrd.img\noptions root=UUID=77 ro\n`,
    },
    loader: 'bls',
    holds: [`linux /vmlinuz-${DEB}`, `initrd /initrd.img-${DEB}.mptfix-1`, 'options root=UUID=77 ro'],
  },
  {
    name: 'extlinux: links two folders up from its file',
    release: DEB,
    image: `/boot/initrd.img-${DEB}`,
    links: { '/vmlinuz': `boot/vmlinuz-${DEB}`, '/initrd.img': `boot/initrd.img-${DEB}` },
    files: {
      'boot/extlinux/extlinux.conf':
        'DEFAULT linux\nLABEL linux\n  KERNEL ../../vmlinuz\n  APPEND initrd=../../initrd.img root=/dev/sda1 ro\n',
    },
    loader: 'syslinux',
    holds: [
      `with /boot/initrd.img-${DEB}.mptfix-1 instead of ../../initrd.img`,
      `and /boot/vmlinuz-${DEB} instead of ../../vmlinuz`,
    ],
  },
  {
    name: 'lilo: links in /',
    release: SARGE,
    image: `/boot/initrd.img-${SARGE}`,
    links: { '/vmlinuz': `boot/vmlinuz-${SARGE}`, '/initrd.img': `/boot/initrd.img-${SARGE}` },
    files: { 'etc/lilo.conf': 'boot=/dev/sda\nimage=/vmlinuz\n\tlabel=Linux\n\tinitrd=/initrd.img\n' },
    loader: 'lilo',
    holds: [
      `with /boot/initrd.img-${SARGE}.mptfix-1 instead of /initrd.img`,
      `and /boot/vmlinuz-${SARGE} instead of /vmlinuz, then run lilo`,
    ],
  },
];

async function guestOf({ files, links, release, image }: Menu) {
  const guest = await bootGuest({ [`boot/vmlinuz-${release}`]: '', [image.slice(1)]: '', ...files });
  for (const [path, to] of Object.entries(links)) {
    mkdirSync(dirname(join(guest.root, path)), { recursive: true });
    symlinkSync(to, join(guest.root, path));
  }
  return guest;
}

describe('a menu that names its kernel by a link', () => {
  test.each(MENUS)('$name', async (menu) => {
    const guest = await guestOf(menu);
    const wish = wishOf(menu.release, 1, menu.image);
    const before = Object.keys(menu.files).map((path) => guest.text(path));
    const plan = await planBootEntry(guest.target, wish);
    expect(plan?.loader).toBe(menu.loader);
    if (['syslinux', 'lilo'].includes(menu.loader)) {
      for (const words of menu.holds) expect(plan?.notes.join('\n')).toContain(words);
      return;
    }
    expect(plan?.notes).toEqual([]);
    const written = plan?.edits.at(-1)?.content ?? '';
    const [, entry = written] = /# mptfix begin[^\n]*\n(.*?)# mptfix end/s.exec(written) ?? [];
    const lines = entry.split('\n');
    for (const line of menu.holds) expect(lines).toContain(line);
    for (const pattern of menu.lacks ?? []) expect(entry).not.toMatch(pattern);
    if (menu.loader === 'grub2') expect(grubComplaint(written)).toBeUndefined();
    // And all of it can be taken back, by the kernel's name alone.
    guest.apply(plan?.edits ?? []);
    guest.apply(await removeBootEntryEdits(guest.target, wish));
    expect(Object.keys(menu.files).map((path) => guest.text(path))).toEqual(before);
  });

  test('which leads to another kernel: no entry', async () => {
    for (const menu of MENUS) {
      const other = { ...menu, links: mapped(menu.links, (to) => `${to}.other`) };
      const guest = await guestOf(other);
      // The menus that have the kernel's own name beside a link are another matter.
      const plan = await planBootEntry(guest.target, wishOf(menu.release, 1, menu.image));
      expect(plan?.edits).toEqual([]);
      expect(plan?.notes.join('\n')).not.toContain('.other');
    }
  });

  test('links that lead in circles, to nowhere or out of the tree are no kernels, and end', async () => {
    const target = fc.constantFrom(
      'vmlinuz',
      'initrd',
      '.',
      '..',
      '/',
      '/vmlinuz',
      '../../../../etc/passwd',
      'nowhere',
    );
    await fc.assert(
      fc.asyncProperty(target, target, target, async (one, two, three) => {
        const menu: Menu = {
          ...(MENUS[2] as Menu),
          links: { '/boot/vmlinuz': one, '/boot/initrd': two, '/vmlinuz': three },
        };
        const guest = await guestOf(menu);
        const plan = await planBootEntry(guest.target, wishOf(SLES, 1, menu.image));
        expect([plan?.loader, plan?.edits]).toEqual(['grub-legacy', []]);
      }),
      { numRuns: 60 },
    );
  });
});

function mapped(all: Readonly<Record<string, string>>, change: (text: string) => string) {
  return Object.fromEntries(Object.entries(all).map(([path, to]) => [path, change(to)]));
}
