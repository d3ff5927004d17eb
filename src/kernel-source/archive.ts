import { failure } from '../errors.ts';
import type { Argv, Target, UserIds } from '../machine/port.ts';
import type { Progress } from '../progress.ts';

/** A compression that a source archive may have, told by its first bytes and undone by the machine's own tool. */
interface Compression {
  readonly name: string;
  readonly magic: readonly number[];
  readonly tool: Argv | undefined;
  /** The Debian package that brings the tool. */
  readonly package: string;
}

const COMPRESSIONS: readonly Compression[] = [
  {
    name: 'xz',
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
    tool: ['xz', '-dc', '-T0'],
    package: 'xz-utils',
  },
  { name: 'gzip', magic: [0x1f, 0x8b], tool: ['gzip', '-dc'], package: 'gzip' },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68], tool: ['bzip2', '-dc'], package: 'bzip2' },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], tool: ['zstd', '-dc'], package: 'zstd' },
];
const TAR_MAGIC = { offset: 257, text: 'ustar' };
const XZ_FOOTER_MAGIC = 'YZ';

export interface Archive {
  readonly path: string;
  /** Bytes on disk. */
  readonly size: number;
  readonly compression: Compression | undefined;
}

/**
 * Tells what kind of archive a file is, by its content and not by its name.
 * Throws E_ARCHIVE_FORMAT where it is none that we read, E_ARCHIVE_TRUNCATED where an .xz lacks its end.
 */
export async function openArchive(machine: Target, path: string): Promise<Archive> {
  const size = (await machine.stat(path))?.size ?? 0;
  const head = await machine.readRange(path, 0, 512);
  const compression = compressionOf(head);
  if (compression === undefined && !isTar(head)) {
    throw failure(
      'E_ARCHIVE_FORMAT',
      `${path} is not a tar archive (plain, .xz, .gz, .bz2 or .zst)`,
      'give --source the kernel’s source tarball, or the folder that it was unpacked to',
    );
  }
  if (compression?.name === 'xz' && !(await hasXzFooter(machine, path, size)))
    throw truncated(path, 'its end is missing');
  return { path, size, compression };
}

/** Whether a file is packed or a tar archive, whatever its name; false for plain text. */
export async function isArchive(machine: Target, path: string): Promise<boolean> {
  const head = await machine.readRange(path, 0, 512);
  return compressionOf(head) !== undefined || isTar(head);
}

function compressionOf(head: Buffer): Compression | undefined {
  return COMPRESSIONS.find(({ magic }) => magic.every((byte, index) => head[index] === byte));
}

function isTar(head: Buffer): boolean {
  return (
    head.toString('latin1', TAR_MAGIC.offset, TAR_MAGIC.offset + TAR_MAGIC.text.length) === TAR_MAGIC.text
  );
}

/** An .xz ends in its index and a footer: without them it was cut, which is cheap to see before decoding starts. */
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
    'fetch it again and compare its checksum with the one that its origin publishes',
  );
}

/** How an archive is unpacked: as whom, and who is told of the progress. */
export interface UnpackOptions {
  readonly user?: UserIds;
  readonly signal?: AbortSignal;
  readonly progress: Progress;
}

export interface StreamOptions {
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly signal?: AbortSignal;
  /** Answers false when it has seen enough. */
  readonly onChunk: (chunk: Buffer) => boolean | Promise<boolean>;
}

/** Feeds the archive's tar stream to `onChunk`; the decoder runs as the unprivileged user. */
export async function streamArchive(
  machine: Target,
  archive: Archive,
  options: StreamOptions,
): Promise<void> {
  const { compression } = archive;
  const argv = compression?.tool ?? (['cat'] as const);
  const result = await machine.run(argv, { effect: 'read', stdinFile: archive.path, ...options });
  if (result.status === 0) return;
  options.signal?.throwIfAborted();
  if (result.status === 127) {
    const name = compression?.package ?? 'coreutils';
    throw failure('E_TOOLS_MISSING', `${argv[0]} is not installed`, `apt-get install ${name}`);
  }
  throw truncated(
    archive.path,
    result.stderr.trim().split('\n')[0] ?? `${argv[0]} exit status ${result.status}`,
  );
}
