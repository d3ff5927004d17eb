import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { DECODERS, zstd } from '../elf/compression.ts';
import { failure, isFailure } from '../errors.ts';
import { installCommand } from '../machine/installers.ts';
import { bytesFrom, type Compression, type Image, unreadable } from './image.ts';

export interface Decoder {
  readonly compression: Exclude<Compression, 'none'>;
  /** First bytes, in hex. Source: `compressed_formats` of the kernel's lib/decompress.c. */
  readonly magics: readonly string[];
  /** A program that reads stdin and writes stdout, with a bound on what it may allocate where it has such. */
  readonly argv: readonly [string, ...string[]];
  /** The Debian package that brings it. */
  readonly package: string;
}

const FORMATS: readonly Decoder[] = [
  { compression: 'gzip', magics: ['1f8b', '1f9e'], argv: DECODERS.gzip, package: 'gzip' },
  { compression: 'bzip2', magics: ['425a68'], argv: DECODERS.bzip2, package: 'bzip2' },
  { compression: 'lzma', magics: ['5d00'], argv: DECODERS.lzma, package: 'xz-utils' },
  { compression: 'xz', magics: ['fd377a585a00'], argv: DECODERS.xz, package: 'xz-utils' },
  { compression: 'lzo', magics: ['894c5a4f'], argv: ['lzop', '-dc'], package: 'lzop' },
  // The kernel knows the legacy frame alone, as `lz4 -l` writes it.
  { compression: 'lz4', magics: ['02214c18'], argv: DECODERS.lz4, package: 'lz4' },
  { compression: 'zstd', magics: ['28b52ffd'], argv: DECODERS.zstd, package: 'zstd' },
];

/** The decoder for what starts with these bytes; undefined where the kernel would know none. */
export function decoderFor(head: Uint8Array): Decoder | undefined {
  const hex = Buffer.from(head.subarray(0, 8)).toString('hex');
  return FORMATS.find(({ magics }) => magics.some((magic) => hex.startsWith(magic)));
}

/**
 * File systems that were initial ramdisks before there were cpio archives: kernels 2.4 (Red Hat Enterprise Linux 3,
 * Debian 3.1) mount them. Each by its magic number. Source: linux/magic.h.
 */
const RAMDISKS = [
  { name: 'ext2', at: 1080, bytes: '53ef' },
  { name: 'minix', at: 1040, bytes: '7f13' },
  { name: 'minix', at: 1040, bytes: '8f13' },
  { name: 'cramfs', at: 0, bytes: '453dcd28' },
  { name: 'romfs', at: 0, bytes: '2d726f6d' },
  { name: 'squashfs', at: 0, bytes: '68737173' },
] as const;

/** As many bytes as tell a file system. */
export const RAMDISK_HEAD = 1088;

/** Archives begin so; of what they hold, any two bytes may be those of a file system. */
const ARCHIVE = '07070';

/** The file system whose first bytes these are. */
export function ramdiskOf(head: Buffer): string | undefined {
  if (head.toString('latin1', 0, ARCHIVE.length) === ARCHIVE || decoderFor(head) !== undefined)
    return undefined;
  const found = RAMDISKS.find(
    ({ at, bytes }) => head.subarray(at, at + bytes.length / 2).toString('hex') === bytes,
  );
  return found?.name;
}

function nativeDecoder(compression: Compression): Transform | undefined {
  if (compression === 'gzip') return createGunzip();
  if (compression === 'zstd') return zstd?.createZstdDecompress();
  return undefined;
}

/**
 * Unpacks what begins at an offset of the image, by Node or by the machine's own tool. Answers how many bytes of the
 * image were used: after them another segment may come.
 */
export async function unpackSegment(
  image: Image,
  offset: number,
  decoder: Decoder,
  take: (chunk: Buffer) => void,
): Promise<number> {
  const native = nativeDecoder(decoder.compression);
  if (native === undefined) return unpackByTool(image, offset, decoder, take);
  const file = Readable.from(bytesFrom(image, offset));
  try {
    await pipeline(file, native, async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        image.signal?.throwIfAborted();
        take(chunk);
      }
    });
  } catch (error) {
    if (isFailure(error) || image.signal?.aborted === true) throw error;
    const why = `its ${decoder.compression} data is damaged or truncated: ${(error as Error).message}`;
    throw unreadable(image, offset, why, error);
  }
  return (native as Transform & { readonly bytesWritten: number }).bytesWritten;
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
    signal: image.signal,
  });
  image.signal?.throwIfAborted();
  if (result.status === 127) {
    throw failure(
      'E_TOOLS_MISSING',
      `${argv[0]} is needed to read ${image.path} and is not installed on this machine`,
      await installCommand([{ name: argv[0], package: package_ }]),
    );
  }
  if (result.status !== 0) {
    const line = result.stderr.trim().split('\n', 1)[0] ?? '';
    throw unreadable(image, offset, `its ${compression} data is damaged or truncated: ${line}`);
  }
  // The tools unpack all streams that follow each other.
  return image.size - offset;
}
