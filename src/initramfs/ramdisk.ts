import { LIMITS } from '../limits.ts';
import { DamagedArchive } from './cpio.ts';
import { readExt2 } from './ext2.ts';
import { ramdiskOf } from './formats.ts';
import { type Compression, type Image, type Segment, unreadable } from './image.ts';

/** Whether the image is an ext2 file system. Throws for another one that a kernel may mount, and for one behind an archive. */
export function isExt2(image: Image, offset: number, head: Buffer): boolean {
  const kind = ramdiskOf(head);
  if (kind === undefined) return false;
  if (kind === 'ext2' && offset === 0) return true;
  throw unreadable(
    image,
    offset,
    `format ${kind}, a file system image of older kernels: mptfix cannot read it here`,
  );
}

/** A file system that comes in pieces. */
export interface Held {
  readonly push: (chunk: Buffer) => void;
  readonly end: (compression: Compression) => Omit<Segment, 'size'>;
}

/** Keeps a file system until all of it is there: what a folder names may lie anywhere. */
export function holding(image: Image, offset: number): Held {
  const parts: Buffer[] = [];
  let length = 0;
  return {
    push: (chunk) => {
      image.signal?.throwIfAborted();
      parts.push(Buffer.from(chunk));
      length += chunk.length;
      if (length > LIMITS.ramdiskBytes)
        throw unreadable(image, offset, `a file system of more than ${LIMITS.ramdiskBytes} bytes`);
    },
    end: (compression) => {
      try {
        readExt2(Buffer.concat(parts), image.visitor);
      } catch (error) {
        if (!(error instanceof DamagedArchive)) throw error;
        throw unreadable(image, offset, `its ext2 file system has ${error.message}`, error);
      }
      return { offset, compression, format: 'ext2' };
    },
  };
}
