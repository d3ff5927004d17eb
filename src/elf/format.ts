import { latin1 } from './view.ts';

/** How a module's file is packed. `unknown` is neither a packing that is known nor an ELF file. */
export type ModuleFormat = 'none' | 'gzip' | 'xz' | 'zstd' | 'bzip2' | 'lzma' | 'lz4' | 'unknown';

/** First bytes by format: each tool's own file format description. `BZh` is followed by a digit, checked below. */
const MAGICS: readonly (readonly [string, ModuleFormat])[] = [
  ['7f454c46', 'none'],
  ['1f8b08', 'gzip'],
  ['fd377a585a00', 'xz'],
  ['28b52ffd', 'zstd'],
  ['04224d18', 'lz4'],
  ['02214c18', 'lz4'],
];

/** The packing of a file by its first bytes, never by its name: a `.ko` may well be packed, and a `.xz` not. */
export function moduleFormat(bytes: Uint8Array): ModuleFormat {
  const head = Buffer.from(bytes.subarray(0, 13));
  const hex = head.toString('hex');
  const known = MAGICS.find(([magic]) => hex.startsWith(magic));
  if (known !== undefined) return known[1];
  if (/^BZh[1-9]/.test(latin1(head))) return 'bzip2';
  return isLzmaAlone(head) ? 'lzma' : 'unknown';
}

/**
 * .lzma has no magic. Its header is one byte of properties (0x5d from every known encoder), a dictionary size that
 * is a power of two or one and a half of it, and the size or -1 in 64 bits (xz's lzma-file-format.txt).
 */
function isLzmaAlone(head: Buffer): boolean {
  if (head.length < 13 || head[0] !== 0x5d) return false;
  const dictionary = head.readUInt32LE(1);
  const size = head.readBigUInt64LE(5);
  const bits = dictionary.toString(2);
  return /^11?0{12,}$/.test(bits) && (size === 0xffff_ffff_ffff_ffffn || size < 1n << 38n);
}

/** The format that a file name's suffix stands for, such as `.ko.xz`; `none` for a plain `.ko` or `.o`. */
export function formatOfSuffix(name: string): ModuleFormat {
  const suffix = /\.(gz|xz|zst|bz2|lzma|lz4)$/.exec(name)?.[1];
  const names = { gz: 'gzip', xz: 'xz', zst: 'zstd', bz2: 'bzip2', lzma: 'lzma', lz4: 'lz4' } as const;
  return suffix === undefined ? 'none' : names[suffix as keyof typeof names];
}
