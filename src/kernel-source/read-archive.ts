import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { installCommand } from '../machine/installers.ts';
import type { Target } from '../machine/port.ts';
import { type Archive, truncated, type UnpackOptions, unsafe } from './archive.ts';
import { type Decoder, decodersFor } from './decoders.ts';

/** Takes what it wants out of a tar stream. */
export interface ArchiveReader<Found> {
  /** False where the rest is useless: enough was read, or the archive is bad. */
  write(chunk: Buffer): boolean;
  /** What was found. Throws what is wrong with the archive. */
  end(): Found;
  /** Whether nothing is missing at the end: enough was read, or the tar's own mark of its end. */
  isWhole(): boolean;
}

/** Two units of zeros end a tar (POSIX.1-2008, pax): one that was cut between two files would else look whole. */
const NO_END = 'the tar’s own end is missing';

/** For so long a parallel decoder may say nothing before it counts as stuck. */
const STUCK_MS = 30_000;

export interface ReadOptions extends UnpackOptions {
  readonly stuckMs?: number;
}

/**
 * Reads an archive's tar stream with a new reader of the caller's kind. The decoder runs as the unprivileged user; it is
 * ended where the reader has enough. A parallel decoder is only a faster way to the same answer: where it fails, ends
 * too soon or gets stuck, and where what it gives is refused, another reader reads with the format's own program, and
 * that answer counts.
 */
export async function readArchive<Found>(
  machine: Target,
  archive: Archive,
  options: ReadOptions,
  newReader: () => ArchiveReader<Found>,
): Promise<Found> {
  const { parallel, plain } = await decodersFor(machine, archive.compression);
  if (parallel !== undefined) {
    const read = await readParallel(machine, archive, parallel, options, newReader());
    if ('found' in read) return read.found;
    options.progress.note(`${parallel.argv[0]}: ${read.why}; reading with ${plain.argv.join(' ')} instead`);
  }
  const reader = newReader();
  await stream(machine, archive, plain, options, (chunk) => reader.write(chunk));
  const found = reader.end();
  if (!reader.isWhole()) throw truncated(archive.path, NO_END);
  return found;
}

/** What was found, or why that does not count. Throws where the run was stopped. */
async function readParallel<Found>(
  machine: Target,
  archive: Archive,
  decoder: Decoder,
  { stuckMs = STUCK_MS, ...options }: ReadOptions,
  reader: ArchiveReader<Found>,
): Promise<{ readonly found: Found } | { readonly why: string }> {
  const stuck = new AbortController();
  const timer = setTimeout(() => stuck.abort(new Error(`nothing for ${stuckMs / 1000} s`)), stuckMs);
  const signal = AbortSignal.any([stuck.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  try {
    await stream(machine, archive, decoder, { ...options, signal }, (chunk) => {
      timer.refresh();
      return reader.write(chunk);
    });
    const found = reader.end();
    return reader.isWhole() ? { found } : { why: NO_END };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { why: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Feeds the tar stream to `onChunk` until that returns false. What has come so far is reported. */
async function stream(
  machine: Target,
  { path, size }: Archive,
  { argv, package: from, fine }: Decoder,
  { user, signal, progress }: UnpackOptions,
  onChunk: (chunk: Buffer) => boolean,
): Promise<void> {
  let unpacked = 0;
  let problem: Error | undefined;
  const result = await machine.run(argv, {
    effect: 'read',
    stdinFile: path,
    user,
    signal,
    onChunk: (chunk) => {
      unpacked += chunk.length;
      progress.bytes(unpacked);
      problem = tooLarge(path, size, unpacked);
      return problem === undefined && onChunk(chunk);
    },
  });
  if (problem !== undefined) throw problem;
  if (fine.includes(result.status)) return;
  signal?.throwIfAborted();
  if (result.status === 127) {
    const command = await installCommand([{ name: argv[0], package: from }]);
    throw failure('E_TOOLS_MISSING', `${argv[0]} is not installed`, command);
  }
  throw truncated(path, result.stderr.trim().split('\n')[0] || `${argv[0]} exit status ${result.status}`);
}

/** The error for an archive that has unpacked to more than one can; undefined below that. */
function tooLarge(path: string, size: number, unpacked: number): Error | undefined {
  if (unpacked > LIMITS.archiveUnpackedBytes)
    return unsafe(`${path} unpacks to more than ${LIMITS.archiveUnpackedBytes} bytes`);
  if (unpacked > LIMITS.ratioFromBytes && unpacked > LIMITS.ratio * size)
    return unsafe(`${path} unpacks to more than ${LIMITS.ratio} times its size`);
  return undefined;
}
