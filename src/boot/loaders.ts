import { basename } from 'node:path/posix';
import { bls } from './bls.ts';
import { existing } from './config-file.ts';
import {
  type BootEntryKey,
  type BootEntryPlan,
  type BootEntryRequest,
  type BootReads,
  type FileEdit,
  type Loader,
  nothingToEdit,
  problemOfRequest,
} from './entry.ts';
import { grubLegacy } from './grub-legacy.ts';
import { grub2 } from './grub2/loader.ts';

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

const byHand: readonly Loader[] = FOREIGN.map(({ name, files, how }) => ({
  name,
  plan: async (target, request) => {
    const [path] = await existing(target, files);
    if (path === undefined) return undefined;
    const note = `${path}: mptfix does not edit this loader’s menu; for a way back at boot, ${how(basename(request.image), basename(request.fallback))}`;
    return nothingToEdit(note);
  },
  remove: async () => [],
}));

/** The first that the guest has is the one that it boots by: a menu.lst beside a grub.cfg was left from an upgrade. */
const LOADERS: readonly Loader[] = [bls, grub2, grubLegacy, ...byHand];

/**
 * What must be written so that the boot menu offers the old initramfs for a kernel. Reads only. Undefined where no
 * loader is known; a plan without edits where one is, but has no entry that could be copied, and its notes say why.
 */
export async function planBootEntry(
  target: BootReads,
  request: BootEntryRequest,
): Promise<BootEntryPlan | undefined> {
  const problem = problemOfRequest(request);
  for (const loader of LOADERS) {
    const plan = await loader.plan(target, request);
    if (plan !== undefined)
      return { loader: loader.name, ...(problem === undefined ? plan : nothingToEdit(problem)) };
  }
  return undefined;
}

/** The edits that take an entry away, of whichever loader: none where it is gone already, or was never made. */
export async function removeBootEntryEdits(
  target: BootReads,
  key: BootEntryKey,
): Promise<readonly FileEdit[]> {
  return (await Promise.all(LOADERS.map((loader) => loader.remove(target, key)))).flat();
}
