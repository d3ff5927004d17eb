import type { Argv } from './program.ts';

/** A compression of archives and log files, recognised by its first bytes and undone by the machine's own tool. */
export interface Compression {
  readonly name: 'xz' | 'gzip' | 'bzip2' | 'zstd';
  readonly magic: readonly number[];
  /** Unpacks standard input to standard output. */
  readonly tool: Argv;
  /** The Debian package that brings the tool. */
  readonly package: string;
}

/** What xz may allocate, whatever a header asks for: xz -9 needs 65 MiB to unpack, and as much for each of its threads. */
export const XZ_MEMORY = '--memlimit-decompress=512MiB';

/** logrotate's `compresscmd` and the packers of kernel sources may be any of these. */
const COMPRESSIONS: readonly Compression[] = [
  {
    name: 'xz',
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
    tool: ['xz', '-dc', XZ_MEMORY],
    package: 'xz-utils',
  },
  { name: 'gzip', magic: [0x1f, 0x8b], tool: ['gzip', '-dc'], package: 'gzip' },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68], tool: ['bzip2', '-dc'], package: 'bzip2' },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], tool: ['zstd', '-dcq'], package: 'zstd' },
];

/** The compression of a file that starts with these bytes; undefined where it is none of them. */
export function compressionOf(head: Uint8Array): Compression | undefined {
  return COMPRESSIONS.find(({ magic }) => magic.every((byte, index) => head[index] === byte));
}
