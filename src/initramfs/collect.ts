import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { LIMITS } from '../limits.ts';
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

/** A file, under all of its names within an archive. */
interface Shared {
  /** What its content is; it may come with any of the names. */
  file?: Omit<InitramfsEntry, 'path'>;
  /** Its content came with a name that is not wanted, before one that is, and was passed over. */
  passed: boolean;
  wanted: boolean;
}

/**
 * Collects what is wanted of an image's entries, in time and memory that grow as the entries do. Throws DamagedArchive
 * for a name that no image has, and for more than LIMITS allows.
 */
export function collector(options: CollectOptions): { visitor: CpioVisitor; collected: () => Collected } {
  const wanted = new Map<string, Shared>();
  const links = new Map<string, string>();
  const names = new Set<string>();
  /** Files with several names, by inode. */
  let linked = new Map<string, Shared>();
  const used = { entries: 0, texts: 0, files: 0, content: 0 };
  const use = (what: keyof typeof used, amount: number): void => {
    used[what] += amount;
    const { limit, of } = USED[what];
    if (used[what] > limit) throw new DamagedArchive(`more than ${limit} ${of}`);
  };

  const sharedOf = ({ links: count, inode }: CpioHeader): Shared => {
    const known = count > 1 ? linked.get(inode) : undefined;
    const shared = known ?? { passed: false, wanted: false };
    if (count > 1) linked.set(inode, shared);
    return shared;
  };

  const entry = (header: CpioHeader): CpioContent | undefined => {
    use('entries', 1);
    use('texts', header.name.length);
    const path = pathOf(header.name);
    const type = header.mode & S_IFMT;
    links.delete(path);
    wanted.delete(path);
    names.delete(path);
    if (type === S_IFLNK) {
      use('texts', header.size);
      return text((target) => links.set(path, target));
    }
    if (type === S_IFDIR) return undefined;
    names.add(path);
    if (type !== S_IFREG) return undefined;
    const shared = sharedOf(header);
    if (options.wanted(path)) {
      use('files', 1);
      shared.wanted = true;
      wanted.set(path, shared);
      if (shared.passed && header.size === 0)
        throw new DamagedArchive(
          `${JSON.stringify(path)}, the name of a file that came before under another`,
        );
    }
    if (!shared.wanted) {
      shared.passed ||= header.size > 0;
      return undefined;
    }
    // newc stores the content with one of the names alone.
    if (header.size === 0 && shared.file !== undefined) return undefined;
    const content = hashed(header, options.keepUpTo, (file) => {
      shared.file = file;
    });
    if (options.keepUpTo !== undefined) use('content', header.size);
    return content;
  };
  return {
    visitor: {
      entry,
      trailer: () => {
        linked = new Map();
      },
    },
    collected: () => {
      const files = new Map<string, InitramfsEntry>();
      for (const [path, { file }] of wanted) if (file !== undefined) files.set(path, { ...file, path });
      return { files, links, names };
    },
  };
}

/** How much of an image is collected. */
const USED = {
  entries: { limit: LIMITS.imageEntries, of: 'entries' },
  texts: { limit: LIMITS.imageTextBytes, of: 'bytes of names' },
  files: { limit: LIMITS.imageModules, of: 'modules of one name' },
  content: { limit: LIMITS.imageModuleBytes, of: 'bytes of modules of one name' },
} as const;

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
