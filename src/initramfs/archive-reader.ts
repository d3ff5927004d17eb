import { type CpioFormat, type CpioState, cpioArchives, DamagedArchive } from './cpio.ts';
import { feed } from './feed.ts';
import type { Compression } from './formats.ts';
import { type Image, unreadable } from './image.ts';

/** One part of an image: archives that are stored plainly or packed together. */
export interface Segment {
  /** Bytes from the image's begin, and how many. */
  readonly offset: number;
  readonly size: number;
  readonly compression: Compression;
  readonly format: CpioFormat;
}

export interface ArchiveReader {
  /** False where it needs no more: what comes is no archive. */
  push(chunk: Buffer): boolean;
  /** Bytes of the archives, with the zeros after them. */
  taken(): number;
  end(compression: Compression, size: number): Pick<Segment, 'size' | 'format'>;
}

/** The parser takes as many bytes of what follows, to see that it is no archive. */
const LOOKED_AT = 6;

/** Reads the archives of one segment of the image, whose place it tells where they are damaged. */
export function archiveReader(image: Image, offset: number): ArchiveReader {
  const state: CpioState = { between: true, format: undefined };
  const parser = feed(cpioArchives(image.visitor, state));
  const damaged = (what: string, cause?: unknown): Error =>
    unreadable(image, offset, `${what}, ${parser.position()} bytes into its archive`, cause);
  return {
    push: (chunk) => {
      image.signal?.throwIfAborted();
      image.unpacked += chunk.length;
      if (image.unpacked > image.limits.unpacked)
        throw damaged(`it decompresses to more than ${image.limits.unpacked} bytes`);
      try {
        parser.push(chunk);
      } catch (error) {
        throw error instanceof DamagedArchive ? damaged(error.message, error) : error;
      }
      return parser.result() === undefined;
    },
    taken: () => parser.position() - (parser.result() === undefined ? 0 : LOOKED_AT),
    end: (compression, size) => {
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
