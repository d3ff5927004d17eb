import { createHash } from 'node:crypto';
import { type BigIntStats, constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { FailureError } from '../errors.ts';
import { unsafe } from './file-errors.ts';
import { handlePath, statDescriptor } from './places.ts';

/**
 * Reading files that may be anything: what has a file's place in a guest's tree may be a device, a FIFO that nobody
 * writes to, or larger than the memory. A place is looked at before it is opened, and what is opened is the very file
 * that was looked at.
 */

/** A file that may be read, and how much of it. */
export interface Bounds {
  /** For messages. */
  readonly path: string;
  /** Bytes. */
  readonly limit: number;
}

/**
 * Opens the regular file of a place, a descriptor that stays open. Throws E_FILE_UNSAFE where there is anything else, or a
 * file larger than the limit; Node's errors, such as EACCES.
 */
export async function openRegular(place: number, { path, limit }: Bounds): Promise<FileHandle> {
  const status = await statDescriptor(place);
  if (!status.isFile()) throw unsafe(path, `it is ${typeName(status)}, not a file`);
  if (status.size > limit) throw tooLarge(path, limit, status.size);
  return open(handlePath(place), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
}

/** The same, but a block device is opened, too. */
export async function openRegularOrDisk(place: number, bounds: Bounds): Promise<FileHandle> {
  const status = await statDescriptor(place);
  if (!status.isBlockDevice()) return openRegular(place, bounds);
  return open(handlePath(place), constants.O_RDONLY | constants.O_NONBLOCK);
}

export function typeName(status: Stats | BigIntStats): string {
  if (status.isDirectory()) return 'a folder';
  if (status.isSymbolicLink()) return 'a link';
  if (status.isBlockDevice() || status.isCharacterDevice()) return 'a device';
  return status.isFIFO() ? 'a FIFO' : 'a socket';
}

function tooLarge(path: string, limit: number, size?: number): FailureError {
  const has = size === undefined ? `more than the ${limit} bytes` : `${size} bytes, more than the ${limit}`;
  return unsafe(path, `it has ${has} that mptfix reads of such a file`);
}

/** For files of /proc and /sys, which tell no size, or that of a page. */
const FIRST_BYTES = 4096;

/** A whole file, in a loop: its size is only a hint. */
export async function readWhole(file: FileHandle, { path, limit }: Bounds): Promise<Buffer> {
  const { size } = await file.stat();
  // One byte more, so that the end of a file whose size is right is seen without a second buffer.
  let buffer = Buffer.allocUnsafe(Math.min(Math.max(size, FIRST_BYTES), limit) + 1);
  let filled = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, null);
    if (bytesRead === 0) return buffer.subarray(0, filled);
    filled += bytesRead;
    if (filled > limit) throw tooLarge(path, limit);
    if (filled === buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(filled * 2, limit + 1));
      buffer.copy(larger);
      buffer = larger;
    }
  }
}

/** `length` bytes from `offset`; fewer where the file ends. */
export async function readPart(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

const CHUNK_BYTES = 512 * 1024;

/** Reads the next piece while the caller works on the last, into two buffers by turns. */
export async function* readPieces(
  file: FileHandle,
  { path, limit }: Bounds,
  start = 0,
): AsyncGenerator<Buffer> {
  const buffers = [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)] as const;
  let position = start;
  const read = async (buffer: Buffer): Promise<Buffer> => {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    position += bytesRead;
    return buffer.subarray(0, bytesRead);
  };
  let pending = read(buffers[0]);
  try {
    for (let turn = 1; ; turn += 1) {
      const piece = await pending;
      if (piece.length === 0) return;
      if (position > limit) throw tooLarge(path, limit);
      pending = read(turn % 2 === 0 ? buffers[0] : buffers[1]);
      // Where the caller stops early nobody awaits this one.
      pending.catch(() => {});
      yield piece;
    }
  } finally {
    await pending.catch(() => {});
  }
}

/** SHA-256 in hex. */
export async function hashOf(file: FileHandle, bounds: Bounds): Promise<string> {
  const digest = createHash('sha256');
  for await (const piece of readPieces(file, bounds)) digest.update(piece);
  return digest.digest('hex');
}
