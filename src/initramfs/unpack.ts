import { createReadStream } from 'node:fs';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { zstd } from '../elf/compression.ts';
import { failure, isFailure } from '../errors.ts';
import type { Compression, Decoder } from './formats.ts';
import { type Image, unreadable } from './image.ts';

/**
 * Unpacks what begins at an offset of the image, by Node or by the machine's own tool. Answers how many bytes of the
 * image were used: after them another segment may come.
 */
export function unpackSegment(
  image: Image,
  offset: number,
  decoder: Decoder,
  take: (chunk: Buffer) => void,
): Promise<number> {
  const native = nativeDecoder(decoder.compression);
  return native === undefined
    ? unpackByTool(image, offset, decoder, take)
    : unpackHere(image, offset, native, decoder.compression, take);
}

function nativeDecoder(compression: Compression): Transform | undefined {
  if (compression === 'gzip') return createGunzip();
  if (compression === 'zstd') return zstd?.createZstdDecompress();
  return undefined;
}

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
      `its ${compression} data is damaged or truncated: ${(error as Error).message}`,
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
    throw unreadable(image, offset, `its ${compression} data is damaged or truncated: ${line}`);
  }
  // The tools unpack all streams that follow each other.
  return image.size - offset;
}
