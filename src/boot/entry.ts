import { dirname } from 'node:path/posix';
import { cleanText } from '../guest/clean-text.ts';
import type { TargetReads } from '../machine/port.ts';

/** One file as it must be afterwards; the caller writes it, keeps owner and mode, and can undo it. */
export interface FileEdit {
  readonly path: string;
  /** Null: the file is removed. */
  readonly content: string | null;
  /** Of a new file. One that is there keeps its own, and its owner. */
  readonly mode: number;
}

export interface LoaderPlan {
  /** What the boot menu will say; empty where there are no edits. */
  readonly title: string;
  /** Empty where no entry can be made: `notes` says why, and what to do by hand. */
  readonly edits: readonly FileEdit[];
  readonly notes: readonly string[];
}

export interface BootEntryPlan extends LoaderPlan {
  readonly loader: string;
}

/** One entry of a boot menu: the old initramfs that a generation has kept. */
export interface BootEntryKey {
  readonly release: string;
  readonly generation: number;
}

export interface BootEntryRequest extends BootEntryKey {
  /** The initramfs that the kernel boots with: `/boot/initrd.img-RELEASE`. */
  readonly image: string;
  /** The old one, in the same folder: `/boot/initrd.img-RELEASE.mptfix-1`. */
  readonly fallback: string;
}

/**
 * What a word of a loader's file names. A loader sees the boot partition's root or the file system's, and with btrfs a
 * subvolume before it; a device or a variable may stand before the path. The path is a file's own name, or that of a
 * link to it, as Debian (`/vmlinuz`, `/initrd.img`) and SUSE (`/boot/vmlinuz`, `/boot/initrd`) have them.
 */
export interface BootNames {
  /** The word with the kernel's own name; undefined: it does not name this kernel. */
  readonly kernel: (word: string) => string | undefined;
  /** The word with the old initramfs's name; undefined: it does not name the kernel's initramfs. */
  readonly fallback: (word: string) => string | undefined;
}

/** A request with what the guest's loader may call its files. */
export interface NamedRequest extends BootEntryRequest {
  readonly names: BootNames;
}

export type BootReads = Pick<TargetReads, 'read' | 'list' | 'stat' | 'hostPath'>;

export interface Loader {
  readonly name: string;
  /** Undefined where the guest does not boot by it. */
  plan(target: BootReads, request: NamedRequest): Promise<LoaderPlan | undefined>;
  /** The edits that take an entry away, wherever it still is. */
  remove(target: BootReads, key: BootEntryKey): Promise<readonly FileEdit[]>;
}

/** The old entry's title, made to tell kernel and generation; one printable line. */
export function fallbackTitle(title: string | undefined, key: BootEntryKey): string {
  const plain = cleanText(title ?? '') || 'Linux';
  const named = plain.includes(key.release) ? plain : `${plain}, with Linux ${key.release}`;
  return `${named} (initramfs before mptfix, generation ${key.generation})`;
}

/** The comment before and after an entry, so that it is found again. */
export function mark(which: 'begin' | 'end', { generation, release }: BootEntryKey): string {
  return `# mptfix ${which} ${generation} ${release}`;
}

/** What `request` must be for an entry to be made of it; the answer is a note for a person. */
export function problemOfRequest(request: BootEntryRequest): string | undefined {
  const safe = [request.release, request.image, request.fallback].every((text) =>
    /^[\w.+~:@/-]{1,255}$/.test(text),
  );
  if (!safe || !Number.isSafeInteger(request.generation) || request.generation < 0)
    return 'the kernel’s or the initramfs’s name has characters that a boot loader’s file cannot contain';
  if (dirname(request.image) !== dirname(request.fallback))
    return `the old initramfs ${request.fallback} is not beside ${request.image}`;
  return undefined;
}

export function nothingToEdit(...notes: readonly string[]): LoaderPlan {
  return { title: '', edits: [], notes };
}
