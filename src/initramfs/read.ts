import { createReadStream } from 'node:fs';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { failure, isFailure } from '../errors.ts';
import type { TargetReads } from '../target/port.ts';
import { type Collected, type CollectOptions, collector } from './collect.ts';
import { type CpioFormat, type CpioState, type CpioVisitor, cpioArchives, DamagedArchive } from './cpio.ts';
import { feed } from './feed.ts';
import { type Compression, type Decoder, decoderFor, RAMDISK_HEAD, ramdiskOf } from './formats.ts';

/** One part of an image: archives that are stored plainly or packed together. */
export interface Segment {
  /** Bytes from the image's begin, and how many. */
  readonly offset: number;
  readonly size: number;
  readonly compression: Compression;
  readonly format: CpioFormat;
}

export interface Initramfs extends Collected {
  readonly segments: readonly Segment[];
}

export interface ReadOptions extends CollectOptions {
  readonly signal?: AbortSignal;
  /** The image's limits, for tests. */
  readonly limits?: Limits;
}

interface Limits {
  /** Bytes of the image's file, and of all that it unpacks to. */
  readonly packed: number;
  readonly unpacked: number;
}

/** Far beyond what a boot loader would load, or a machine of this era could unpack. */
const LIMITS: Limits = { packed: 2 ** 31, unpacked: 2 ** 32 };

type Reads = Pick<TargetReads, 'hostPath' | 'stat' | 'readRange' | 'run'>;

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
  if (segments.length === 0) throw unreadable(image, 0, size === 0 ? 'it is empty' : 'it has only zeros');
  return { segments, ...collected() };
}

interface Image {
  readonly target: Reads;
  readonly path: string;
  readonly size: number;
  readonly limits: Limits;
  readonly visitor: CpioVisitor;
  readonly signal: AbortSignal | undefined;
  /** Bytes so far, of all segments. */
  unpacked: number;
}

const ZEROS_AT_ONCE = 1024 * 1024;

/** A file system as an initial ramdisk starts with zeros, too. */
async function skipZeros(image: Image, start: number): Promise<number> {
  const { target, path, size } = image;
  for (let offset = start; offset < size; ) {
    image.signal?.throwIfAborted();
    const part = await target.readRange(path, offset, ZEROS_AT_ONCE);
    refuseRamdisk(image, offset, part);
    const first = part.findIndex((byte) => byte !== 0);
    if (first !== -1) return offset + first;
    if (part.length === 0) break;
    offset += part.length;
  }
  return size;
}

function refuseRamdisk(image: Image, offset: number, head: Buffer): void {
  const kind = ramdiskOf(head);
  if (kind === undefined) return;
  throw unreadable(image, offset, `format ${kind}, a file system as kernels 2.4 boot it: not readable here`);
}

async function plainSegment(image: Image, offset: number): Promise<Segment> {
  const reader = archiveReader(image, offset);
  const stream = createReadStream(await image.target.hostPath(image.path), { start: offset });
  try {
    for await (const chunk of stream) if (!reader.push(chunk as Buffer)) break;
  } finally {
    stream.destroy();
  }
  return { offset, ...reader.end('none', reader.taken()), compression: 'none' };
}

async function packedSegment(image: Image, offset: number, decoder: Decoder): Promise<Segment> {
  const reader = archiveReader(image, offset);
  const { compression } = decoder;
  let first = true;
  const take = (chunk: Buffer): void => {
    if (first) refuseRamdisk(image, offset, chunk);
    first = false;
    if (!reader.push(chunk)) throw unreadable(image, offset, `what it unpacks to is no cpio archive`);
  };
  const native = nativeDecoder(compression);
  const size =
    native === undefined
      ? await unpackByTool(image, offset, decoder, take)
      : await unpackHere(image, offset, native, compression, take);
  return { offset, ...reader.end(compression, size), compression };
}

/** Node has zstd from 22.15 on. */
function nativeDecoder(compression: Compression): Transform | undefined {
  if (compression === 'gzip') return createGunzip();
  if (compression === 'zstd' && typeof createZstdDecompress === 'function') return createZstdDecompress();
  return undefined;
}

/** Answers how many bytes of the image were used: after them another segment may come. */
async function unpackHere(
  image: Image,
  offset: number,
  decoder: Transform,
  compression: Compression,
  take: (chunk: Buffer) => void,
): Promise<number> {
  const file = createReadStream(await image.target.hostPath(image.path), { start: offset });
  try {
    await pipeline(file, decoder, async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        image.signal?.throwIfAborted();
        take(chunk);
      }
    });
  } catch (error) {
    if (isFailure(error) || image.signal?.aborted === true) throw error;
    throw unreadable(
      image,
      offset,
      `its ${compression} data is damaged or cut: ${(error as Error).message}`,
      error,
    );
  }
  return (decoder as Transform & { readonly bytesWritten: number }).bytesWritten;
}

async function unpackByTool(
  image: Image,
  offset: number,
  { compression, argv, package: package_ }: Decoder,
  take: (chunk: Buffer) => void,
): Promise<number> {
  const result = await image.target.run(argv, {
    effect: 'read',
    stdinFile: image.path,
    stdinOffset: offset,
    onChunk: (chunk) => {
      take(chunk);
      return true;
    },
    ...(image.signal === undefined ? {} : { signal: image.signal }),
  });
  image.signal?.throwIfAborted();
  if (result.status === 127) {
    throw failure(
      'E_TOOLS_MISSING',
      `${argv[0]} is needed to read ${image.path} and is not installed on this machine`,
      `apt-get install --yes ${package_}`,
    );
  }
  if (result.status !== 0) {
    const line = result.stderr.trim().split('\n', 1)[0] ?? '';
    throw unreadable(image, offset, `its ${compression} data is damaged or cut: ${line}`);
  }
  // The tools unpack all streams that follow each other.
  return image.size - offset;
}

interface ArchiveReader {
  /** False where it needs no more: what comes is no archive. */
  push(chunk: Buffer): boolean;
  /** Bytes of the archives, with the zeros after them. */
  taken(): number;
  end(compression: Compression, size: number): Pick<Segment, 'size' | 'format'>;
}

/** The parser takes as many bytes of what follows, to see that it is no archive. */
const LOOKED_AT = 6;

function archiveReader(image: Image, offset: number): ArchiveReader {
  const state: CpioState = { between: true, format: undefined };
  const parser = feed(cpioArchives(image.visitor, state));
  const damaged = (what: string, cause?: unknown): Error =>
    unreadable(image, offset, `${what}, ${parser.position()} bytes into its archive`, cause);
  return {
    push: (chunk) => {
      image.signal?.throwIfAborted();
      image.unpacked += chunk.length;
      if (image.unpacked > image.limits.unpacked)
        throw damaged(`it unpacks to more than ${image.limits.unpacked} bytes`);
      try {
        parser.push(chunk);
      } catch (error) {
        throw error instanceof DamagedArchive ? damaged(error.message, error) : error;
      }
      return parser.result() === undefined;
    },
    taken: () => parser.position() - (parser.result() === undefined ? 0 : LOOKED_AT),
    end: (compression, size) => {
      const cut = !state.between || (parser.result() === undefined && parser.pending() > 0);
      if (cut) throw damaged(compression === 'none' ? 'the image is cut' : 'what it unpacks to is cut');
      if (state.format === undefined) {
        throw damaged(
          compression === 'none' ? 'neither a cpio archive nor packed data' : 'it unpacks to nothing',
        );
      }
      return { size, format: state.format };
    },
  };
}

function unreadable(image: Image, offset: number, why: string, cause?: unknown): Error {
  return failure(
    'E_INITRAMFS',
    `${image.path} cannot be read as an initramfs, at offset ${offset}: ${why}`,
    'make it anew with the distro’s own tool, or restore it from a backup',
    cause === undefined ? {} : { cause },
  );
}
