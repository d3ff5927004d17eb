import { LIMITS } from '../limits.ts';
import { type Collected, type CollectOptions, collector } from './collect.ts';
import { type Decoder, decoderFor, RAMDISK_HEAD, unpackSegment } from './formats.ts';
import {
  archiveReader,
  bytesFrom,
  type Image,
  type Limits,
  type Reads,
  type Segment,
  unreadable,
} from './image.ts';
import { type Held, holding, isExt2 } from './ramdisk.ts';

export interface Initramfs extends Collected {
  readonly segments: readonly Segment[];
}

export interface ReadOptions extends CollectOptions {
  readonly signal?: AbortSignal | undefined;
  /** The image's limits, for tests. */
  readonly limits?: Limits;
}

const IMAGE_LIMITS: Limits = { packed: LIMITS.imageBytes, unpacked: LIMITS.imageUnpackedBytes };

/**
 * Reads an initramfs as the kernel unpacks it: cpio archives plain (early microcode) and packed, one after the other,
 * with zeros between them; or, instead of all that, an ext2 file system, as older kernels mount it. Nothing is written. No more
 * than a chunk is held of archives, and of a file system all.
 *
 * Throws E_INITRAMFS, with the offset, for an image that is cut, damaged or hostile, or that is another file system;
 * E_TOOLS_MISSING where its packing has no decoder on this machine.
 */
export async function readInitramfs(target: Reads, path: string, options: ReadOptions): Promise<Initramfs> {
  const limits = options.limits ?? IMAGE_LIMITS;
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
    if (segments.length > LIMITS.imageParts)
      throw unreadable(image, offset, `it has more than ${LIMITS.imageParts} parts`);
  }
  if (segments.length === 0) throw unreadable(image, 0, size === 0 ? 'it is empty' : 'it holds only zeros');
  return { segments, ...collected() };
}

const ZEROS_AT_ONCE = 1024 * 1024;
const ZEROS = Buffer.alloc(ZEROS_AT_ONCE);

async function skipZeros(image: Image, start: number): Promise<number> {
  const { target, path, size } = image;
  for (let offset = start; offset < size; ) {
    image.signal?.throwIfAborted();
    const part = await target.readRange(path, offset, ZEROS_AT_ONCE);
    // A file system begins with zeros: they are its own.
    if (isExt2(image, offset, part)) return offset;
    if (part.length === 0) break;
    if (!part.equals(ZEROS.subarray(0, part.length))) return offset + part.findIndex((byte) => byte !== 0);
    offset += part.length;
  }
  return size;
}

async function plainSegment(image: Image, offset: number): Promise<Segment> {
  const head = await image.target.readRange(image.path, offset, RAMDISK_HEAD);
  if (isExt2(image, offset, head)) {
    const held = holding(image, offset);
    for await (const chunk of bytesFrom(image, offset)) held.push(chunk);
    return { ...held.end('none'), size: image.size - offset };
  }
  const reader = archiveReader(image, offset);
  for await (const chunk of bytesFrom(image, offset)) if (!reader.push(chunk)) break;
  return { offset, ...reader.end('none', reader.taken()), compression: 'none' };
}

async function packedSegment(image: Image, offset: number, decoder: Decoder): Promise<Segment> {
  const reader = archiveReader(image, offset);
  const { compression } = decoder;
  let head: Buffer | undefined = Buffer.alloc(0);
  let held: Held | undefined;
  const push = (chunk: Buffer): void => {
    if (held !== undefined) held.push(chunk);
    else if (!reader.push(chunk))
      throw unreadable(image, offset, `what it decompresses to is not a cpio archive`);
  };
  const take = (chunk: Buffer): void => {
    if (head === undefined) {
      push(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < RAMDISK_HEAD) return;
    const first = head;
    head = undefined;
    if (isExt2(image, offset, first)) held = holding(image, offset);
    push(first);
  };
  const size = await unpackSegment(image, offset, decoder, take);
  // What is shorter is no file system.
  if (head !== undefined && head.length > 0) push(head);
  return held === undefined
    ? { offset, ...reader.end(compression, size), compression }
    : { ...held.end(compression), size };
}
