import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type CpioContent, type CpioHeader, type CpioVisitor, DamagedArchive } from './cpio.ts';

/** A file of the image that was asked for. */
export interface InitramfsEntry {
  /** Without a leading `./` or `/`. */
  readonly path: string;
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  /** Bytes, as it is stored. */
  readonly size: number;
  readonly sha256: string;
  /** Where the content was asked for. */
  readonly content?: Buffer;
}

export interface CollectOptions {
  /** Which regular files are hashed, by their paths. */
  readonly wanted: (path: string) => boolean;
  /** Keep their content too; a file of more bytes than this is damaged. */
  readonly keepUpTo?: number;
}

export interface Collected {
  /** By path; the kernel unpacks in order, so that the last of a name is the one that stays. */
  readonly files: ReadonlyMap<string, InitramfsEntry>;
  /** Texts of the symbolic links, by path. */
  readonly links: ReadonlyMap<string, string>;
  /** All names of the image that are no folders and no symbolic links. */
  readonly names: ReadonlySet<string>;
}

const { S_IFMT, S_IFREG, S_IFLNK, S_IFDIR } = constants;
/** An initramfs of today has some five thousand. */
const MAX_ENTRIES = 500_000;

/** Collects what is wanted of an image's entries; throws DamagedArchive for a name that no image has. */
export function collector(options: CollectOptions): { visitor: CpioVisitor; collected: () => Collected } {
  const files = new Map<string, InitramfsEntry>();
  const links = new Map<string, string>();
  const names = new Set<string>();
  /** Names of files with several, of which the content may come with any of them. */
  let linked = new Map<string, Set<string>>();
  let count = 0;

  const entry = (header: CpioHeader): CpioContent | undefined => {
    count += 1;
    if (count > MAX_ENTRIES) throw new DamagedArchive(`more than ${MAX_ENTRIES} entries`);
    const path = pathOf(header.name);
    const type = header.mode & S_IFMT;
    links.delete(path);
    files.delete(path);
    names.delete(path);
    if (type === S_IFLNK) return text((target) => links.set(path, target));
    if (type === S_IFDIR) return undefined;
    names.add(path);
    if (type !== S_IFREG) return undefined;
    const group = header.links > 1 ? (linked.get(header.inode) ?? new Set<string>()) : new Set<string>();
    group.add(path);
    if (header.links > 1) linked.set(header.inode, group);
    if (header.links <= 1 && !options.wanted(path)) return undefined;
    // newc stores the content with one of the names alone.
    if (header.size === 0 && [...group].some((name) => files.has(name))) {
      const first = [...group].map((name) => files.get(name)).find((file) => file !== undefined);
      if (first !== undefined && options.wanted(path)) files.set(path, { ...first, path });
      return undefined;
    }
    return hashed(header, options.keepUpTo, (file) => {
      for (const name of group) if (options.wanted(name)) files.set(name, { ...file, path: name });
    });
  };
  return {
    visitor: {
      entry,
      trailer: () => {
        linked = new Map();
      },
    },
    collected: () => ({ files, links, names }),
  };
}

function pathOf(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..'))
    throw new DamagedArchive(`a name that leads out of the image: ${JSON.stringify(name)}`);
  return parts.join('/');
}

function text(done: (text: string) => void): CpioContent {
  const parts: Buffer[] = [];
  return {
    part: (bytes) => parts.push(Buffer.from(bytes)),
    end: () => done(Buffer.concat(parts).toString('utf8')),
  };
}

function hashed(
  { mode, size, checksum }: CpioHeader,
  keepUpTo: number | undefined,
  done: (file: Omit<InitramfsEntry, 'path'>) => void,
): CpioContent {
  if (keepUpTo !== undefined && size > keepUpTo) throw new DamagedArchive(`a module of ${size} bytes`);
  const digest = createHash('sha256');
  const parts: Buffer[] = [];
  let sum = 0;
  return {
    part: (bytes) => {
      digest.update(bytes);
      if (keepUpTo !== undefined) parts.push(Buffer.from(bytes));
      if (checksum !== undefined) for (const byte of bytes) sum = (sum + byte) >>> 0;
    },
    end: () => {
      if (checksum !== undefined && checksum !== sum)
        throw new DamagedArchive('a file whose checksum is wrong');
      done({
        mode: mode & 0o7777,
        size,
        sha256: digest.digest('hex'),
        ...(keepUpTo === undefined ? {} : { content: Buffer.concat(parts) }),
      });
    },
  };
}
