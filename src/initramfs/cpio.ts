import { constants } from 'node:fs';
import type { Parser } from './feed.ts';

/** The four cpio formats that an initramfs may have; the kernel unpacks `newc` and `crc`. */
export type CpioFormat = 'newc' | 'crc' | 'odc' | 'bin';

/** Beside those the file system that older kernels mount. */
export type ImageFormat = CpioFormat | 'ext2';

export interface CpioHeader {
  readonly format: ImageFormat;
  /** As it stands in the archive. */
  readonly name: string;
  /** File type and permission bits, as stat(2) has them. */
  readonly mode: number;
  readonly links: number;
  /** The same for all names of one file within one archive. */
  readonly inode: string;
  readonly size: number;
  /** `crc` alone: the sum of all bytes of the content. */
  readonly checksum?: number;
}

/** Takes the content of an entry as it comes. */
export interface CpioContent {
  readonly part: (bytes: Buffer) => void;
  readonly end: () => void;
}

/** What is done with the entries; one without content is passed over. */
export interface CpioVisitor {
  readonly entry: (header: CpioHeader) => CpioContent | undefined;
  /** An archive has come to its end: hard links are of one archive. */
  readonly trailer: () => void;
}

/** Where a parser of archives stands. */
export interface CpioState {
  /** Between two archives, where a stream may end. */
  between: boolean;
  format: CpioFormat | undefined;
}

/** A problem of an archive, without where it is. */
export class DamagedArchive extends Error {}

/** PATH_MAX of Linux, with the NUL that ends the name. */
const MAX_NAME = 4096;
const MAGIC_BYTES = 6;

/**
 * Reads archives one after the other, with zeros between them, as the kernel does (init/initramfs.c). Ends at the
 * first bytes that are neither, six of which it has taken then.
 */
export function* cpioArchives(visitor: CpioVisitor, state: CpioState): Parser<Buffer> {
  for (;;) {
    yield { zeros: true };
    let magic = yield { take: MAGIC_BYTES };
    if (layoutOf(magic) === undefined) return magic;
    state.between = false;
    for (;;) {
      const layout = layoutOf(magic);
      if (layout === undefined) throw new DamagedArchive('no cpio header where one should be');
      state.format = layout.format;
      const rest = yield { take: layout.headerBytes - MAGIC_BYTES };
      const ended = yield* cpioEntry(layout, Buffer.concat([magic, rest]), visitor);
      if (ended) break;
      magic = yield { take: MAGIC_BYTES };
    }
    state.between = true;
    visitor.trailer();
  }
}

function* cpioEntry(layout: Layout, bytes: Buffer, visitor: CpioVisitor): Parser<boolean> {
  const { nameSize, ...fields } = layout.read(bytes);
  if (nameSize < 1 || nameSize > MAX_NAME) throw new DamagedArchive(`a name of ${nameSize} bytes`);
  const name = nameOf(yield { take: nameSize });
  yield { pass: padding(layout.headerBytes + nameSize, layout.alignment) };
  const header = { ...fields, format: layout.format, name };
  if (name === 'TRAILER!!!' && header.size === 0) return true;
  if ((header.mode & constants.S_IFMT) === constants.S_IFLNK && header.size > MAX_NAME)
    throw new DamagedArchive(`a symbolic link of ${header.size} bytes`);
  const content = visitor.entry(header);
  yield { pass: header.size, ...(content === undefined ? {} : { to: content.part }) };
  content?.end();
  yield { pass: padding(header.size, layout.alignment) };
  return false;
}

function nameOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  if (end !== bytes.length - 1) throw new DamagedArchive('a name whose length is wrong');
  return bytes.toString('utf8', 0, end);
}

function padding(length: number, alignment: number): number {
  return (alignment - (length % alignment)) % alignment;
}

type Fields = Omit<CpioHeader, 'format' | 'name'> & { readonly nameSize: number };

interface Layout {
  /** First bytes, as latin1. */
  readonly magic: string;
  readonly format: CpioFormat;
  readonly headerBytes: number;
  /** Name and content are filled up to a multiple of this. */
  readonly alignment: number;
  readonly read: (header: Buffer) => Fields;
}

/** Source: cpio(5) of libarchive and Documentation/driver-api/early-userspace/buffer-format.rst of the kernel. */
const LAYOUTS: readonly Layout[] = [
  { magic: '070701', format: 'newc', headerBytes: 110, alignment: 4, read: readNewc },
  { magic: '070702', format: 'crc', headerBytes: 110, alignment: 4, read: readCrc },
  { magic: '070707', format: 'odc', headerBytes: 76, alignment: 1, read: readOdc },
  // 070707 as a 16-bit number, of either order of bytes.
  { magic: '\xc7\x71', format: 'bin', headerBytes: 26, alignment: 2, read: readBin },
  { magic: '\x71\xc7', format: 'bin', headerBytes: 26, alignment: 2, read: readBigBin },
];

function layoutOf(magic: Buffer): Layout | undefined {
  const text = magic.toString('latin1');
  return LAYOUTS.find((layout) => text.startsWith(layout.magic));
}

function readNewc(header: Buffer): Fields {
  const field = (index: number): number => hexadecimal(header, MAGIC_BYTES + 8 * index);
  return {
    inode: `${field(7)}:${field(8)}:${field(0)}`,
    mode: field(1),
    links: field(4),
    size: field(6),
    nameSize: field(11),
  };
}

function readCrc(header: Buffer): Fields {
  return { ...readNewc(header), checksum: hexadecimal(header, 102) };
}

function hexadecimal(header: Buffer, at: number): number {
  const text = header.toString('latin1', at, at + 8);
  if (!/^[0-9a-f]{8}$/i.test(text)) throw new DamagedArchive('a header with something other than numbers');
  return Number.parseInt(text, 16);
}

function readOdc(header: Buffer): Fields {
  const field = (at: number, digits: number): number => {
    const text = header.toString('latin1', at, at + digits);
    if (!/^[0-7]+$/.test(text)) throw new DamagedArchive('a header with something other than numbers');
    return Number.parseInt(text, 8);
  };
  return {
    inode: `${field(6, 6)}:${field(12, 6)}`,
    mode: field(18, 6),
    links: field(36, 6),
    nameSize: field(59, 6),
    size: field(65, 11),
  };
}

function readBigBin(header: Buffer): Fields {
  return readBin(Buffer.from(header).swap16());
}

function readBin(header: Buffer): Fields {
  const half = (index: number): number => header.readUInt16LE(2 * index);
  return {
    inode: `${half(1)}:${half(2)}`,
    mode: half(3),
    links: half(6),
    nameSize: half(10),
    // The more significant half comes first, whatever the order of bytes.
    size: half(11) * 0x10000 + half(12),
  };
}
