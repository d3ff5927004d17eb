import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bls } from '../../src/boot/bls.ts';
import type { BootEntryRequest, Loader } from '../../src/boot/entry.ts';
import { grubLegacy } from '../../src/boot/grub-legacy.ts';
import { grub2 } from '../../src/boot/grub2/loader.ts';
import { bootNames } from '../../src/boot/names.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import type { Hostile } from '../helpers/bounded.ts';

const RELEASE = '6.1.0-9-amd64';
const WISH: BootEntryRequest = {
  release: RELEASE,
  generation: 1,
  image: `/boot/initrd.img-${RELEASE}`,
  fallback: `/boot/initrd.img-${RELEASE}.mptfix-1`,
};

/** Lets a loader plan an entry for a tree with these files, and take it away again. */
function tree(loader: Loader, files: Readonly<Record<string, string>>): () => Promise<string> {
  const root = mkdtempSync('/var/tmp/mptfix-bounds-');
  process.on('exit', () => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const target = rootTarget(root, { dryRun: true });
  return async () => {
    const plan = await loader.plan(target, { ...WISH, names: await bootNames(target, WISH) });
    await loader.remove(target, WISH);
    return `${plan?.edits.length} edits ${plan?.notes.join('; ')}`;
  };
}

const LINUX = `linux /boot/vmlinuz-${RELEASE} root=/dev/sda1`;
const INITRD = `initrd /boot/initrd.img-${RELEASE}`;
const menu = (body: string) => tree(grub2, { '/boot/grub/grub.cfg': body });
const entry = (body: string) => menu(`menuentry 'Linux' {\n${LINUX}\n${INITRD}\n${body}\n}\n`);
const legacy = (body: string) => tree(grubLegacy, { '/boot/grub/menu.lst': body });

export const HOSTILE: Readonly<Record<string, Hostile>> = {
  'GRUB 2: many images in one command': (size) =>
    entry(`initrd${` /boot/initrd.img-${RELEASE}`.repeat(size)}`),
  'GRUB 2: many commands on one line': (size) => entry('savedefault;'.repeat(size)),
  'GRUB 2: one long word': (size) => entry(`set a=${'b'.repeat(size)}`),
  'GRUB 2: one long quoted word': (size) => entry(`set a="${'\\\\'.repeat(size)}"`),
  'GRUB 2: a quote that never ends': (size) => menu(`set a="${'\\"'.repeat(size)}`),
  'GRUB 2: many entries': (size) => menu(`menuentry a {\n${LINUX}\n}\n`.repeat(size)),
  'GRUB 2: many submenus': (size) => menu(`submenu a {\n`.repeat(size)),
  'GRUB 2: many marks': (size) => menu('### BEGIN /etc/grub.d/10_linux ###\n'.repeat(size)),
  'GRUB 2: many blocks of ours': (size) =>
    tree(grub2, {
      '/boot/grub/grub.cfg': `menuentry 'Linux' {\n${LINUX}\n${INITRD}\n}\n`,
      '/etc/grub.d/42_mptfix': Array.from(
        { length: size },
        (_, at) => `# mptfix begin ${at} a\nx\n# mptfix end ${at} a\n`,
      ).join(''),
    }),
  'GRUB 2: numbers of the environment': (size) =>
    tree(grub2, {
      '/boot/grub/grub.cfg': `menuentry 'Linux' {\n${LINUX}\n${INITRD}\n}\n`,
      '/boot/grub/grubenv': 'saved_entry=1\n'.repeat(size),
    }),
  'GRUB legacy: blanks before a carriage return': (size) => legacy(`title${' '.repeat(size)}x\ry\n`),
  'GRUB legacy: many empty lines': (size) => legacy('\n'.repeat(size)),
  'GRUB legacy: many titles': (size) => legacy('title a\n'.repeat(size)),
  'BLS: blanks before a carriage return': (size) =>
    tree(bls, {
      '/boot/loader/loader.conf': '',
      '/boot/loader/entries/a.conf': `title${' '.repeat(size)}x\ry\n`,
    }),
  'BLS: many entries': (size) =>
    tree(bls, {
      '/boot/loader/loader.conf': '',
      ...Object.fromEntries(
        Array.from({ length: size }, (_, at) => [
          `/boot/loader/entries/${at}.conf`,
          `#${'x'.repeat(500_000)}`,
        ]),
      ),
    }),
};
