import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { TargetReads } from '../machine/port.ts';
import { type CpioState, type CpioVisitor, cpioArchives, DamagedArchive, type ImageFormat } from './cpio.ts';
import { feed } from './feed.ts';

export type Reads = Pick<TargetReads, 'stat' | 'readRange' | 'readChunks' | 'run'>;

export interface Limits {
  /** Bytes of the image's file, and of all that it unpacks to. */
  readonly packed: number;
  readonly unpacked: number;
}

/** An image that is being read. */
export interface Image {
  readonly target: Reads;
  readonly path: string;
  readonly size: number;
  readonly limits: Limits;
  readonly visitor: CpioVisitor;
  readonly signal: AbortSignal | undefined;
  /** Bytes so far, of all segments. */
  unpacked: number;
}

/** The image's bytes from an offset. Each piece is the caller's to keep. */
export async function* bytesFrom({ target, path, limits }: Image, offset: number): AsyncGenerator<Buffer> {
  for await (const piece of target.readChunks(path, limits.packed, offset)) yield Buffer.from(piece);
}

/** What is wrong with it, and where. */
export function unreadable(image: Image, offset: number, why: string, cause?: unknown): Error {
  return failure(
    'E_INITRAMFS',
    `${image.path} cannot be read as an initramfs, at offset ${offset}: ${why}`,
    'rebuild it with the distro’s own tool, or restore it from a backup',
    { cause },
  );
}

/** How a part of an initramfs is packed: what the kernel can unpack. */
export type Compression = 'none' | 'gzip' | 'bzip2' | 'lzma' | 'xz' | 'lzo' | 'lz4' | 'zstd';

/** One part of an image: archives that are stored plainly or packed together. */
export interface Segment {
  /** Bytes from the image's begin, and how many. */
  readonly offset: number;
  readonly size: number;
  readonly compression: Compression;
  readonly format: ImageFormat;
}

/** The parser takes as many bytes of what follows, to see that it is no archive. */
const LOOKED_AT = 6;

/** Reads the archives of one segment of the image, whose place it tells where they are damaged. */
export function archiveReader(image: Image, offset: number) {
  const state: CpioState = { between: true, format: undefined };
  const parser = feed(cpioArchives(image.visitor, state));
  const damaged = (what: string, cause?: unknown): Error =>
    unreadable(image, offset, `${what}, ${parser.position()} bytes into its archive`, cause);
  return {
    /** False where it needs no more: what comes is no archive. */
    push: (chunk: Buffer): boolean => {
      image.signal?.throwIfAborted();
      image.unpacked += chunk.length;
      if (image.unpacked > image.limits.unpacked)
        throw damaged(`it decompresses to more than ${image.limits.unpacked} bytes`);
      if (image.unpacked > LIMITS.ratioFromBytes && image.unpacked > LIMITS.ratio * image.size)
        throw damaged(`it decompresses to more than ${LIMITS.ratio} times its size`);
      try {
        parser.push(chunk);
      } catch (error) {
        throw error instanceof DamagedArchive ? damaged(error.message, error) : error;
      }
      return parser.result() === undefined;
    },
    /** Bytes of the archives, with the zeros after them. */
    taken: (): number => parser.position() - (parser.result() === undefined ? 0 : LOOKED_AT),
    end: (compression: Compression, size: number): Pick<Segment, 'size' | 'format'> => {
      const plain = compression === 'none';
      if (state.format === undefined) {
        const what =
          parser.position() === 0
            ? 'it decompresses to nothing'
            : 'what it decompresses to is not a cpio archive';
        throw damaged(plain ? 'neither a cpio archive nor compressed data' : what);
      }
      if (!state.between || (parser.result() === undefined && parser.pending() > 0))
        throw damaged(plain ? 'the image is truncated' : 'what it decompresses to is truncated');
      return { size, format: state.format };
    },
  };
}
