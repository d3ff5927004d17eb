import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

/** The part of `node:zlib` that Node has from 22.15 on; the types follow the lowest Node, which is older. */
interface Zstd {
  readonly zstdCompressSync: (bytes: Uint8Array, options: { params: Record<number, number> }) => Buffer;
  readonly zstdDecompressSync: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer;
  readonly createZstdDecompress: () => Transform;
}

/** `ZSTD_c_checksumFlag` of zstd.h. */
export const ZSTD_CHECKSUM_FLAG = 201;

/** This Node's own zstd; undefined where it has none. An import by name would keep an older Node from starting. */
export const zstd: Zstd | undefined = 'zstdDecompressSync' in zlib ? (zlib as unknown as Zstd) : undefined;
