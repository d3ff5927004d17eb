import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bls } from '../../src/boot/bls.ts';
import type { BootReads } from '../../src/boot/entry.ts';
import { grubLegacy } from '../../src/boot/grub-legacy.ts';
import { grub2 } from '../../src/boot/grub2/loader.ts';
import { bootNames } from '../../src/boot/names.ts';
import { changesOf, mutated } from '../helpers/mutated.ts';
import { wishOf } from './guest.ts';

const RELEASE = '6.1.0-9-amd64';
const BODY = `linux /boot/vmlinuz-${RELEASE} root=/dev/sda1 ro\n  initrd /boot/initrd.img-${RELEASE}\n`;

const MENUS = [
  {
    loader: grub2,
    path: '/boot/grub/grub.cfg',
    text: `set default="0"\nsubmenu 'more' {\nmenuentry 'Linux' --class os $menuentry_id_option 'a' {\n  ${BODY}  savedefault\n}\n}\n`,
  },
  {
    loader: grubLegacy,
    path: '/boot/grub/menu.lst',
    text: `default 0\ntitle Linux\nroot (hd0,0)\nkernel /boot/vmlinuz-${RELEASE} ro\ninitrd /boot/initrd.img-${RELEASE}\nsavedefault\n`,
  },
  {
    loader: bls,
    path: `/boot/loader/entries/abc-${RELEASE}.conf`,
    text: `title Linux\nversion ${RELEASE}\nsort-key linux\n${BODY}`,
  },
];
const PIECES = [
  "'",
  '"',
  '\\',
  '{',
  '}',
  '$',
  '${',
  '\n',
  '\r',
  '#',
  ';',
  '=',
  ' ',
  'title ',
  '\0',
  '\u2028',
];

test('a menu that is changed anywhere gives a plan, and that plan can be taken back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...MENUS),
      changesOf(PIECES),
      async ({ loader, path, text }, changes) => {
        const files = new Map([
          [path, mutated(text, changes)],
          ['/boot/loader/loader.conf', ''],
        ]);
        const target = inMemory(files);
        const wish = wishOf(RELEASE);
        const plan = await loader.plan(target, { ...wish, names: await bootNames(target, wish) });
        for (const edit of plan?.edits ?? []) files.set(edit.path, edit.content ?? '');
        for (const edit of await loader.remove(target, wish)) {
          if (edit.content === null) files.delete(edit.path);
          else files.set(edit.path, edit.content);
        }
        expect([...files.values()].join('')).not.toContain('initramfs before mptfix');
      },
    ),
    { numRuns: 600 },
  );
});

/** A tree of files that exists for this test alone. */
function inMemory(files: Map<string, string>): BootReads {
  return {
    read: async (path) => Buffer.from(files.get(path) ?? ''),
    list: async (folder) =>
      [...files.keys()].flatMap((path) =>
        path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1).split('/', 1)[0] ?? ''] : [],
      ),
    stat: async (path) => {
      const text = files.get(path);
      return text === undefined
        ? undefined
        : { type: 'file', size: Buffer.byteLength(text), mode: 0o644, uid: 0, gid: 0, mtime: '1.000000000' };
    },
    hostPath: async (path) => path,
  };
}
