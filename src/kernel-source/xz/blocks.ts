import { crc32 } from 'node:zlib';
import { XZ_MEMORY } from '../../machine/compression.ts';
import type { Target, TargetReads } from '../../machine/port.ts';
import type { Argv } from '../../machine/program.ts';
import type { UnpackOptions } from '../archive.ts';

/** Size in bytes of a stream's header and of its footer (xz-file-format.txt, 2.1.1 and 2.1.2). */
const FRAME_BYTES = 12;
const HEADER_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
const FOOTER_MAGIC = 'YZ';
/** The smallest block: a header of one byte, no data and no check cannot be less than this (4.3, Unpadded Size). */
const MIN_UNPADDED = 5;
/** The index of a kernel's tarball has some 400 bytes; one larger than this is not worth reading. */
const MAX_INDEX_BYTES = 1024 * 1024;

/** One block; all sizes and offsets in bytes. */
export interface XzBlock {
  /** Of its header, from the start of the file. */
  readonly offset: number;
  /** Header, data and check, without the padding to a multiple of four. */
  readonly unpaddedSize: number;
  /** With the padding: what it takes of the file. */
  readonly storedSize: number;
  /** Offset and length in the unpacked whole: what the index claims, not proven. */
  readonly contentOffset: number;
  readonly contentSize: number;
}

export interface XzLayout {
  /** The stream's header, byte for byte. */
  readonly header: Buffer;
  readonly blocks: readonly XzBlock[];
}

/**
 * Where the blocks of an .xz are, by the index at its end (xz-file-format.txt, 2.1 and 4): magic, flags, CRC32 and every
 * size must agree and fill the file to the byte. Undefined where they do not: a damaged index, several streams, padding
 * after the stream.
 */
export async function readLayout(
  machine: Pick<TargetReads, 'stat' | 'readRange'>,
  path: string,
): Promise<XzLayout | undefined> {
  const size = (await machine.stat(path))?.size ?? 0;
  if (size < 2 * FRAME_BYTES) return undefined;
  const header = await machine.readRange(path, 0, FRAME_BYTES);
  const footer = await machine.readRange(path, size - FRAME_BYTES, FRAME_BYTES);
  const indexSize = indexSizeOf(header, footer);
  if (indexSize === undefined || indexSize > size - 2 * FRAME_BYTES) return undefined;
  const index = await machine.readRange(path, size - FRAME_BYTES - indexSize, indexSize);
  const blocks = readIndex(index, size - 2 * FRAME_BYTES - indexSize);
  return blocks === undefined ? undefined : { header, blocks };
}

/** The index's size in bytes (the footer stores a quarter of it, less one); undefined where header and footer disagree. */
function indexSizeOf(header: Buffer, footer: Buffer): number | undefined {
  if (header.length !== FRAME_BYTES || footer.length !== FRAME_BYTES) return undefined;
  if (!header.subarray(0, 6).equals(HEADER_MAGIC)) return undefined;
  if (footer.toString('latin1', 10) !== FOOTER_MAGIC) return undefined;
  // Both have the stream's flags, so that a footer of another stream is noticed.
  if (!header.subarray(6, 8).equals(footer.subarray(8, 10))) return undefined;
  if (crc32(header.subarray(6, 8)) !== header.readUInt32LE(8)) return undefined;
  if (crc32(footer.subarray(4, 10)) !== footer.readUInt32LE(0)) return undefined;
  const indexSize = (footer.readUInt32LE(4) + 1) * 4;
  return indexSize > MAX_INDEX_BYTES ? undefined : indexSize;
}

/**
 * The blocks that an index names (xz-file-format.txt, 4): a zero byte, the number of records, of each the unpadded
 * and the unpacked size, padding of zeros to a multiple of four, CRC32. `blockBytes` is what the file has between the
 * stream's header and the index: the blocks must take exactly that, so that none lies outside or over another.
 */
export function readIndex(index: Buffer, blockBytes: number): readonly XzBlock[] | undefined {
  const end = index.length - 4;
  if (end < 4 || index.length % 4 !== 0 || index[0] !== 0) return undefined;
  if (crc32(index.subarray(0, end)) !== index.readUInt32LE(end)) return undefined;
  const records = index.subarray(0, end);
  const count = readInteger(records, 1);
  // A record has at least two bytes: a larger number is false, and is refused before memory is reserved for it.
  if (count === undefined || count.value > records.length / 2) return undefined;

  const blocks: XzBlock[] = [];
  let at = count.next;
  let offset = FRAME_BYTES;
  let contentOffset = 0;
  for (let record = 0; record < count.value; record++) {
    const unpadded = readInteger(records, at);
    const content = unpadded && readInteger(records, unpadded.next);
    if (content === undefined || unpadded === undefined) return undefined;
    if (unpadded.value < MIN_UNPADDED || unpadded.value > blockBytes || content.value === 0) return undefined;
    const storedSize = Math.ceil(unpadded.value / 4) * 4;
    const contentSize = content.value;
    blocks.push({ offset, unpaddedSize: unpadded.value, storedSize, contentOffset, contentSize });
    offset += storedSize;
    contentOffset += contentSize;
    if (offset - FRAME_BYTES > blockBytes || contentOffset > Number.MAX_SAFE_INTEGER) return undefined;
    at = content.next;
  }
  const padding = records.subarray(at);
  if (padding.length > 3 || padding.some((byte) => byte !== 0)) return undefined;
  return offset - FRAME_BYTES === blockBytes ? blocks : undefined;
}

/** One thread: a block is one piece of work, and starting more costs time. */
const XZ: Argv = ['xz', '-dc', '-T1', XZ_MEMORY];

export interface XzFile {
  readonly machine: Target;
  readonly path: string;
  readonly layout: XzLayout;
  readonly options: UnpackOptions;
}

/** `ended`: read to its end, or as far as the reader wanted. */
export type Outcome = { readonly ended: true } | { readonly ended: false; readonly why: string };

/**
 * Feeds a block's content to `onChunk` until that returns false. The decoder is the machine's own xz, run as the
 * unprivileged user; its standard input is the block as a complete .xz, or with `headBytes` only so many bytes of the
 * block, where xz ends with an error. A block that unpacks to more than the index says is stopped there.
 */
export async function decodeBlock(
  file: XzFile,
  block: XzBlock,
  onChunk: (chunk: Buffer) => boolean | Promise<boolean>,
  headBytes = block.storedSize,
): Promise<Outcome> {
  const { machine, path, layout, options } = file;
  const stored = await machine.readRange(path, block.offset, Math.min(headBytes, block.storedSize));
  const whole = stored.length === block.storedSize;
  const tail = whole ? [streamEnd(layout.header, [block])] : [];
  let unpacked = 0;
  const result = await machine.run(XZ, {
    effect: 'read',
    input: Buffer.concat([layout.header, stored, ...tail]),
    user: options.user,
    signal: options.signal,
    onChunk: (chunk) => {
      unpacked += chunk.length;
      return unpacked <= block.contentSize && onChunk(chunk);
    },
  });
  options.signal?.throwIfAborted();
  if (unpacked > block.contentSize) return { ended: false, why: 'a block holds more than the index says' };
  if (result.status === 0) return { ended: true };
  return { ended: false, why: result.stderr.trim().split('\n')[0] || `xz exit status ${result.status}` };
}

/**
 * What must follow a stream's header and these blocks to complete an .xz (xz-file-format.txt, 2.1.2 and 4): an index
 * with a record for each, and a footer with the flags of the header.
 */
export function streamEnd(
  header: Buffer,
  blocks: readonly Pick<XzBlock, 'unpaddedSize' | 'contentSize'>[],
): Buffer {
  const records = Buffer.concat([
    Buffer.from([0]),
    writeInteger(blocks.length),
    ...blocks.flatMap((block) => [writeInteger(block.unpaddedSize), writeInteger(block.contentSize)]),
  ]);
  const padded = Buffer.concat([records, Buffer.alloc((4 - (records.length % 4)) % 4)]);
  const index = Buffer.concat([padded, uint32(crc32(padded))]);
  const backward = Buffer.concat([uint32(index.length / 4 - 1), header.subarray(6, 8)]);
  return Buffer.concat([index, uint32(crc32(backward)), backward, Buffer.from(FOOTER_MAGIC, 'latin1')]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/**
 * Reads a multibyte integer (xz-file-format.txt, 1.2): seven bits a byte, the lowest first, the high bit set on all
 * but the last, at most nine bytes. Undefined where there is none, where it is not written in the shortest way, and
 * above 2^53-1, which no file reaches. `next`: where the bytes after it begin.
 */
export function readInteger(bytes: Uint8Array, at: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let length = 0; length < 9; length++) {
    const byte = bytes[at + length];
    if (byte === undefined || (byte === 0 && length > 0)) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * length);
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
    if (byte < 0x80) return { value, next: at + length + 1 };
  }
  return undefined;
}

/** Writes a multibyte integer; `value` is a whole number from 0 to 2^53-1. */
export function writeInteger(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
