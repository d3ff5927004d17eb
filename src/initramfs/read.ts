import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type CpioContent, type CpioHeader, type CpioVisitor, DamagedArchive } from './cpio.ts';
import { type Decoder, decoderFor, RAMDISK_HEAD, ramdiskOf, unpackSegment } from './formats.ts';
import {
  archiveReader,
  bytesFrom,
  type Image,
  type Limits,
  type Reads,
  type Segment,
  unreadable,
} from './image.ts';

export interface Initramfs extends Collected {
  readonly segments: readonly Segment[];
}

export interface ReadOptions extends CollectOptions {
  readonly signal?: AbortSignal | undefined;
  /** The image's limits, for tests. */
  readonly limits?: Limits;
}

/** Far beyond what a boot loader would load, or a machine of this era could unpack. */
const LIMITS: Limits = { packed: 2 ** 31, unpacked: 2 ** 32 };

/**
 * Reads an initramfs as the kernel unpacks it: cpio archives plain (early microcode) and packed, one after the other,
 * with zeros between them. Nothing is written, and no more than a chunk is held.
 *
 * Throws E_INITRAMFS, with the offset, for an image that is cut, damaged or hostile, or that is the file system of an
 * older kernel; E_TOOLS_MISSING where its packing has no decoder on this machine.
 */
export async function readInitramfs(target: Reads, path: string, options: ReadOptions): Promise<Initramfs> {
  const limits = options.limits ?? LIMITS;
  const { size = 0 } = (await target.stat(path)) ?? {};
  const { visitor, collected } = collector(options);
  const image: Image = { target, path, size, limits, visitor, signal: options.signal, unpacked: 0 };
  if (size > limits.packed) throw unreadable(image, 0, `it has ${size} bytes`);
  const segments: Segment[] = [];
  for (let offset = 0; offset < size; ) {
    offset = await skipZeros(image, offset);
    if (offset >= size) break;
    const head = await target.readRange(path, offset, RAMDISK_HEAD);
    const decoder = decoderFor(head);
    const segment = await (decoder === undefined
      ? plainSegment(image, offset)
      : packedSegment(image, offset, decoder));
    segments.push(segment);
    offset += segment.size;
  }
  if (segments.length === 0) throw unreadable(image, 0, size === 0 ? 'it is empty' : 'it holds only zeros');
  return { segments, ...collected() };
}

const ZEROS_AT_ONCE = 1024 * 1024;
const ZEROS = Buffer.alloc(ZEROS_AT_ONCE);

/** A file system as an initial ramdisk starts with zeros, too. */
async function skipZeros(image: Image, start: number): Promise<number> {
  const { target, path, size } = image;
  for (let offset = start; offset < size; ) {
    image.signal?.throwIfAborted();
    const part = await target.readRange(path, offset, ZEROS_AT_ONCE);
    refuseRamdisk(image, offset, part);
    if (part.length === 0) break;
    if (!part.equals(ZEROS.subarray(0, part.length))) return offset + part.findIndex((byte) => byte !== 0);
    offset += part.length;
  }
  return size;
}

function refuseRamdisk(image: Image, offset: number, head: Buffer): void {
  const kind = ramdiskOf(head);
  if (kind === undefined) return;
  const why = `format ${kind}, a file system image of 2.4 kernels: mptfix cannot read it`;
  throw unreadable(image, offset, why);
}

async function plainSegment(image: Image, offset: number): Promise<Segment> {
  const reader = archiveReader(image, offset);
  for await (const chunk of bytesFrom(image, offset)) if (!reader.push(chunk)) break;
  return { offset, ...reader.end('none', reader.taken()), compression: 'none' };
}

async function packedSegment(image: Image, offset: number, decoder: Decoder): Promise<Segment> {
  const reader = archiveReader(image, offset);
  const { compression } = decoder;
  let first = true;
  const take = (chunk: Buffer): void => {
    if (first) refuseRamdisk(image, offset, chunk);
    first = false;
    if (!reader.push(chunk)) throw unreadable(image, offset, `what it decompresses to is not a cpio archive`);
  };
  const size = await unpackSegment(image, offset, decoder, take);
  return { offset, ...reader.end(compression, size), compression };
}

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
function collector(options: CollectOptions): { visitor: CpioVisitor; collected: () => Collected } {
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
