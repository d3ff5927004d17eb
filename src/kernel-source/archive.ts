import { failure } from '../errors.ts';
import { type Compression, compressionOf } from '../machine/compression.ts';
import type { Target } from '../machine/port.ts';
import type { RunOptions } from '../machine/program.ts';
import type { Progress } from '../progress.ts';

/** A tar header and all sizes in a tar come in units of so many bytes (POSIX.1-2008, pax, ustar interchange format). */
export const TAR_UNIT = 512;
const XZ_FOOTER_MAGIC = 'YZ';

export interface Archive {
  readonly path: string;
  /** Bytes on disk. */
  readonly size: number;
  readonly compression: Compression | undefined;
}

/**
 * Opens an archive by its content, whatever its name.
 * Throws E_ARCHIVE_FORMAT where mptfix cannot read it, E_ARCHIVE_TRUNCATED where an .xz lacks its end.
 */
export async function openArchive(machine: Target, path: string): Promise<Archive> {
  const size = (await machine.stat(path))?.size ?? 0;
  const head = await machine.readRange(path, 0, TAR_UNIT);
  const compression = compressionOf(head);
  if (compression === undefined && !isTar(head)) {
    throw failure(
      'E_ARCHIVE_FORMAT',
      `${path} is not a tar archive (plain, .xz, .gz, .bz2 or .zst)`,
      'give --source the kernel’s source tarball, or the folder where it was unpacked',
    );
  }
  if (compression?.name === 'xz' && !(await hasXzFooter(machine, path, size)))
    throw truncated(path, 'its end is missing');
  return { path, size, compression };
}

/** Whether a file is packed or a tar archive, whatever its name; false for plain text. */
export async function isArchive(machine: Target, path: string): Promise<boolean> {
  const head = await machine.readRange(path, 0, TAR_UNIT);
  return compressionOf(head) !== undefined || isTar(head);
}

/** Whether the bytes from `at` on have the mark of a tar header. */
export function isTar(bytes: Buffer, at = 0): boolean {
  return bytes.toString('latin1', at + 257, at + 262) === 'ustar';
}

/** An .xz ends in its index and a footer: without them it is truncated, which is cheap to see before decoding. */
async function hasXzFooter(machine: Target, path: string, size: number): Promise<boolean> {
  const tail = await machine.readRange(path, Math.max(0, size - 4096), 4096);
  // Stream padding: zero bytes, a multiple of four.
  let end = tail.length;
  while (end > 0 && tail[end - 1] === 0) end -= 1;
  return tail.toString('latin1', Math.max(0, end - 2), end) === XZ_FOOTER_MAGIC;
}

export function truncated(path: string, why: string): Error {
  return failure(
    'E_ARCHIVE_TRUNCATED',
    `${path} is cut short or damaged: ${why}`,
    'fetch it again and compare its checksum with the published one',
  );
}

/** How an archive is unpacked: as which user, and what reports the progress. */
export interface UnpackOptions extends Pick<RunOptions, 'user' | 'signal'> {
  readonly progress: Progress;
}

/** The error for an archive that is not what a kernel's source is. */
export function unsafe(what: string): Error {
  return failure(
    'E_ARCHIVE_UNSAFE',
    what,
    'do not use this archive: no kernel’s source has that; fetch the source from the distro again',
  );
}
