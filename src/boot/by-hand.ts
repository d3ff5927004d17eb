import { basename } from 'node:path/posix';
import { existing } from './config-file.ts';
import { type Loader, nothingToEdit } from './entry.ts';

interface Foreign {
  readonly name: string;
  readonly files: readonly string[];
  /** What a person does there; the two names are the files' as they are on the guest. */
  readonly how: (image: string, fallback: string) => string;
}

const copySection =
  (section: string, after = '') =>
  (image: string, fallback: string): string =>
    `copy the kernel’s ${section} under another name, with ${fallback} instead of ${image}${after}`;

/** Loaders that mptfix finds, but whose menu it does not edit: most keep block lists or copies that a tool must renew. */
const FOREIGN: readonly Foreign[] = [
  {
    name: 'syslinux',
    files: [
      '/boot/extlinux/extlinux.conf',
      '/boot/syslinux/syslinux.cfg',
      '/extlinux.conf',
      '/boot/extlinux.conf',
    ],
    how: copySection('LABEL section'),
  },
  { name: 'lilo', files: ['/etc/lilo.conf'], how: copySection('image section', ', then run lilo') },
  { name: 'zipl', files: ['/etc/zipl.conf'], how: copySection('section', ', then run zipl') },
  {
    name: 'elilo',
    files: ['/boot/efi/EFI/*/elilo.conf', '/etc/elilo.conf'],
    how: copySection('image section', '; both images must be on the ESP'),
  },
  { name: 'yaboot', files: ['/etc/yaboot.conf'], how: copySection('image section', ', then run ybin') },
  {
    name: 'refind',
    files: ['/boot/efi/EFI/refind/refind.conf', '/boot/refind_linux.conf'],
    how: copySection('line of refind_linux.conf', ' as its initrd= option'),
  },
];

export const byHand: readonly Loader[] = FOREIGN.map(({ name, files, how }) => ({
  name,
  plan: async (target, request) => {
    const [path] = await existing(target, files);
    if (path === undefined) return undefined;
    const note = `${path}: mptfix does not edit this loader’s menu; for a way back at boot, ${how(basename(request.image), basename(request.fallback))}`;
    return nothingToEdit(name, note);
  },
  remove: async () => [],
}));
