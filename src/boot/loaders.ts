import { basename, dirname, join } from 'node:path/posix';
import { bls } from './bls.ts';
import { existing, readConfig } from './config-file.ts';
import {
  type BootEntryKey,
  type BootEntryPlan,
  type BootEntryRequest,
  type BootReads,
  type FileEdit,
  type Loader,
  type NamedRequest,
  nothingToEdit,
  problemOfRequest,
} from './entry.ts';
import { grubLegacy } from './grub-legacy.ts';
import { grub2 } from './grub2/loader.ts';
import { bootNames } from './names.ts';

interface Foreign {
  readonly name: string;
  readonly files: readonly string[];
  /** What a person copies there, and what remains to be done then. */
  readonly section: string;
  readonly after?: string;
}

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
    section: 'LABEL section',
  },
  { name: 'lilo', files: ['/etc/lilo.conf'], section: 'image section', after: ', then run lilo' },
  { name: 'zipl', files: ['/etc/zipl.conf'], section: 'section', after: ', then run zipl' },
  {
    name: 'elilo',
    files: ['/boot/efi/EFI/*/elilo.conf', '/etc/elilo.conf'],
    section: 'image section',
    after: '; both images must be on the ESP',
  },
  { name: 'yaboot', files: ['/etc/yaboot.conf'], section: 'image section', after: ', then run ybin' },
  {
    name: 'refind',
    files: ['/boot/efi/EFI/refind/refind.conf', '/boot/refind_linux.conf'],
    section: 'line of refind_linux.conf',
    after: ' as its initrd= option',
  },
];

const byHand: readonly Loader[] = FOREIGN.map(({ name, files, section, after = '' }) => ({
  name,
  plan: async (target, request) => {
    const [path] = await existing(target, files);
    if (path === undefined) return undefined;
    const swaps = await swapsIn(target, path, request);
    const how = `copy the kernel’s ${section} under another name, with ${swaps}${after}`;
    return nothingToEdit(`${path}: mptfix does not edit this loader’s menu; for a way back at boot, ${how}`);
  },
  remove: async () => [],
}));

/**
 * What a person writes in the place of what. Of links (`/vmlinuz`) the kernel's is exchanged, too: it leads to another
 * kernel as soon as there is one.
 */
async function swapsIn(
  target: BootReads,
  path: string,
  { image, fallback, names }: NamedRequest,
): Promise<string> {
  const plain = `${basename(fallback)} instead of ${basename(image)}`;
  const answer = await readConfig(target, path);
  if (answer === undefined || 'problem' in answer) return plain;
  // syslinux takes a path as one from the folder of its file, unless it begins with a slash.
  const here = dirname(path);
  const full = (word: string): string => (word.startsWith('/') ? word : join(here, word));
  const words = [...new Set(answer.file.text.split(/[\s=,"']+/))].filter((word) =>
    /^[\w.+~@/-]{1,255}$/.test(word),
  );
  const swap = (rename: (word: string) => string | undefined): string | undefined => {
    for (const word of words) {
      const other = rename(full(word));
      if (other !== undefined && basename(other) !== basename(word)) return `${other} instead of ${word}`;
    }
    return undefined;
  };
  const link = swap(names.kernel);
  const initrd = swap(names.fallback);
  if (
    initrd === undefined ||
    (link === undefined && words.some((word) => basename(word) === basename(image)))
  )
    return plain;
  return link === undefined ? initrd : `${initrd} and ${link}`;
}

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
  const names = await bootNames(target, request);
  for (const loader of LOADERS) {
    const plan = await loader.plan(target, { ...request, names });
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
