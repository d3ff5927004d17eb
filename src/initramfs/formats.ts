import { DECODERS } from '../elf/compression.ts';

/** How a part of an initramfs is packed: what the kernel can unpack. */
export type Compression = 'none' | 'gzip' | 'bzip2' | 'lzma' | 'xz' | 'lzo' | 'lz4' | 'zstd';

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

/** The file system whose first bytes these are. */
export function ramdiskOf(head: Buffer): string | undefined {
  const found = RAMDISKS.find(
    ({ at, bytes }) => head.subarray(at, at + bytes.length / 2).toString('hex') === bytes,
  );
  return found?.name;
}
