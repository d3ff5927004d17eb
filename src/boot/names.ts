import { basename, dirname } from 'node:path/posix';
import { readFstab } from '../guest/fstab.ts';
import { LIMITS } from '../limits.ts';
import type { BootEntryRequest, BootNames, BootReads } from './entry.ts';

/** How the distributions call a kernel's image, before `-RELEASE`. */
const KERNEL_NAMES: readonly string[] = ['vmlinuz', 'vmlinux', 'kernel', 'bzImage', 'zImage', 'Image'];

/** Whether a loader's path, `(hd0,1)/boot/vmlinuz-6.1` or `/@/boot/vmlinuz-6.1`, is of this kernel by its name. */
export function isKernelOf(path: string, release: string): boolean {
  return KERNEL_NAMES.some((name) => basename(path) === `${name}-${release}`);
}

/** Reads the links of a guest to this kernel and to its initramfs. */
export async function bootNames(target: BootReads, request: BootEntryRequest): Promise<BootNames> {
  const { kernels, images, onPartition } = await readLinks(target, request);
  const name = basename(request.fallback);
  return {
    kernel: (word) => (isKernelOf(word, request.release) ? word : realWord(word, kernels, onPartition)),
    fallback: (word) => {
      if (namesImage(word, request.image))
        return `${word.slice(0, word.length - basename(word).length)}${name}`;
      const real = realWord(word, images, onPartition);
      return real === undefined ? undefined : `${real.slice(0, real.length - basename(real).length)}${name}`;
    },
  };
}

/** What stands before a path: a device of GRUB, or a variable. */
const DEVICE = /^(?:\([^()]*\)|\$\w+|\$\{\w+\})/;

/**
 * Whether a loader's path is the initramfs's by its name. Its folder must be the root or one of `boot`, for a copy
 * elsewhere (an ESP's own) has no old image beside it.
 */
function namesImage(word: string, image: string): boolean {
  if (basename(word) !== basename(image)) return false;
  const folder = dirname(word.replace(DEVICE, ''));
  return folder === '/' || /boot/i.test(basename(folder));
}

interface Link {
  readonly path: string;
  /** What it leads to, as a path in the guest. */
  readonly real: string;
}

/** By their names, of which there are two at most: a menu may have a million words. */
type Links = ReadonlyMap<string, readonly Link[]>;

interface GuestLinks {
  readonly kernels: Links;
  readonly images: Links;
  /** /boot is a partition of its own. */
  readonly onPartition: boolean;
}

/** The root of a guest and its /boot have a few dozen; what has more is no such folder. */
const MOST_NAMES = 1000;

async function readLinks(target: BootReads, { release, image }: BootEntryRequest): Promise<GuestLinks> {
  const [kernels, images] = [new Map<string, Link[]>(), new Map<string, Link[]>()];
  const root = (await target.hostPath('/')).replace(/\/$/, '');
  const imageFile = await target.hostPath(image).catch(() => undefined);
  for (const folder of ['/', '/boot']) {
    const names = await target.list(folder).catch(() => []);
    if (names.length > MOST_NAMES) continue;
    for (const name of names) {
      const path = folder === '/' ? `/${name}` : `${folder}/${name}`;
      // Of a link that leads to itself, or to nowhere, there is nothing to boot.
      const file = await target.hostPath(path).catch(() => undefined);
      if (file === undefined || !file.startsWith(`${root}/`)) continue;
      const real = file.slice(root.length);
      if (file === imageFile) images.set(name, [...(images.get(name) ?? []), { path, real: image }]);
      else if (isKernelOf(real, release)) kernels.set(name, [...(kernels.get(name) ?? []), { path, real }]);
    }
  }
  return { kernels, images, onPartition: await hasBootPartition(target) };
}

async function hasBootPartition(target: BootReads): Promise<boolean> {
  const fstab = await readFstab({ readText: async (path) => textOf(target, path) });
  return fstab.some(({ mountPoint }) => mountPoint === '/boot');
}

async function textOf(target: BootReads, path: string): Promise<string | undefined> {
  return (await target.read(path, LIMITS.textBytes).catch(() => undefined))?.toString('utf8');
}

/** The word with the name of the file that its path leads to; undefined where the path is none of the links. */
function realWord(word: string, links: Links, onPartition: boolean): string | undefined {
  const named = links.get(basename(word));
  if (named === undefined) return undefined;
  const device = DEVICE.exec(word)?.[0] ?? '';
  const path = word.slice(device.length);
  for (const mount of onPartition ? ['/boot', ''] : ['', '/boot']) {
    for (const { path: link, real } of named) {
      // On the root's own partition the folder of the boot partition is empty.
      if (mount === '' && onPartition && !link.startsWith('/boot/')) continue;
      if (!link.startsWith(`${mount}/`) || !real.startsWith(`${mount}/`)) continue;
      const seen = link.slice(mount.length);
      const before = path.slice(0, path.length - seen.length);
      if (path.endsWith(seen) && (before === '' || SUBVOLUME.test(before)))
        return device + before + real.slice(mount.length);
    }
  }
  return undefined;
}

/** Of btrfs, by the name that Ubuntu and SUSE give it: `/@` or `/@/.snapshots/1/snapshot`. */
const SUBVOLUME = /^\/@/;
