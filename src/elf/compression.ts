import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { failure, isFailure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { typedShell } from '../typed.ts';
import { asBuffer, latin1, unreadable } from './view.ts';

/**
 * Runs a filter program: `input` to its stdin, its stdout back. This room starts no process itself; callers pass
 * the port's `run` with effect 'read'. `status` 127 means that the program is missing.
 */
export type Tool = (
  argv: readonly [string, ...string[]],
  input: Uint8Array,
) => Promise<{ readonly status: number; readonly stdout: Buffer; readonly stderr: string }>;

/** A bound on what xz may allocate while decoding, so that a hostile header cannot take the machine's memory. */
const XZ_MEMORY = '--memlimit-decompress=256MiB';

type Packed = Exclude<ModuleFormat, 'none' | 'unknown'>;

/** Decoders outside Node, each reading stdin and writing stdout, and the package that usually brings them. */
export const DECODERS: Readonly<Record<Packed, readonly [string, ...string[]]>> = {
  gzip: ['gzip', '-dc'],
  xz: ['xz', '-dc', XZ_MEMORY],
  zstd: ['zstd', '-dcq', '--memory=256MB'],
  bzip2: ['bzip2', '-dc'],
  lzma: ['xz', '-dc', '--format=lzma', XZ_MEMORY],
  lz4: ['lz4', '-dcq'],
};

/**
 * The module's own bytes. `gzip`, and `zstd` where this Node has it (22.15 and later), are unpacked in this process;
 * the rest by `tool`. Throws E_CANNOT_DECIDE for a damaged file, an unknown format, or one of more than 64 MiB
 * unpacked; E_TOOLS_MISSING where the decoder is not installed.
 */
export async function decompressModule(bytes: Uint8Array, format: ModuleFormat, tool: Tool): Promise<Buffer> {
  if (format === 'unknown') throw unreadable('it is neither an ELF file nor compressed in a known way');
  if (format === 'none') return within(asBuffer(bytes));
  if (format === 'gzip')
    return inProcess(format, () => zlib.gunzipSync(bytes, { maxOutputLength: LIMITS.moduleUnpackedBytes }));
  if (format === 'zstd' && zstd !== undefined) {
    const { zstdDecompressSync } = zstd;
    return inProcess(format, () =>
      zstdDecompressSync(bytes, { maxOutputLength: LIMITS.moduleUnpackedBytes }),
    );
  }
  if (format === 'xz' && (xzStatedSize(bytes) ?? 0) > LIMITS.moduleUnpackedBytes) throw tooBig();
  return within(await byTool(DECODERS[format], bytes, tool));
}

/**
 * Packs a module as the kernel's own `make modules_install` does, so that the same loaders accept it: gzip without
 * name and time (-n; here at level 9), xz with `--check=crc32 --lzma2=dict=1MiB`, zstd with a checksum at its
 * default level (scripts/Makefile.modinst, 5.13 to 6.x). Throws E_TOOLS_MISSING where the packer is not installed,
 * and E_BUILD where it fails. bzip2, lzma and lz4 are read but never written: no kernel's module tools need them.
 */
export async function compressModule(bytes: Uint8Array, format: ModuleFormat, tool: Tool): Promise<Buffer> {
  if (format === 'none') return asBuffer(bytes);
  if (format === 'gzip') return gzip(bytes);
  if (format === 'xz')
    return byTool(['xz', '-zc', '--check=crc32', '--lzma2=dict=1MiB'], bytes, tool, 'E_BUILD');
  if (format !== 'zstd') {
    throw failure('E_BUILD', `mptfix does not pack modules as ${format}`, 'choose none, gzip, xz or zstd');
  }
  if (zstd === undefined) return byTool(['zstd', '-zcq'], bytes, tool, 'E_BUILD');
  return zstd.zstdCompressSync(bytes, { params: { [ZSTD_CHECKSUM_FLAG]: 1 } });
}

/** Two runs on two machines must give the same bytes: the header's operating system byte is fixed to Unix. */
function gzip(bytes: Uint8Array): Buffer {
  const packed = zlib.gzipSync(bytes, { level: 9 });
  packed[9] = 3;
  return packed;
}

function inProcess(format: string, unpack: () => Buffer): Buffer {
  try {
    return unpack();
  } catch (error) {
    if (error instanceof RangeError) throw tooBig();
    throw unreadable(`its ${format} data is damaged`, error);
  }
}

async function byTool(
  argv: readonly [string, ...string[]],
  input: Uint8Array,
  tool: Tool,
  code: 'E_CANNOT_DECIDE' | 'E_BUILD' = 'E_CANNOT_DECIDE',
): Promise<Buffer> {
  const [program] = argv;
  const next = `see what ${typedShell(argv)} says of it`;
  const result = await tool(argv, input).catch((error: unknown) => {
    if (isFailure(error)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw failure(code, `${program} could not run to its end: ${why}`, next, { cause: error });
  });
  if (result.status === 127) {
    throw failure(
      'E_TOOLS_MISSING',
      `${program} is needed for this module and is not installed`,
      `install the program ${program} on this machine`,
    );
  }
  if (result.status === 0) return result.stdout;
  const line = result.stderr.trim().split('\n', 1)[0] ?? '';
  throw failure(code, `${program} failed with status ${result.status}: ${line}`, next);
}

function within(bytes: Buffer): Buffer {
  if (bytes.length > LIMITS.moduleUnpackedBytes) throw tooBig();
  return bytes;
}

function tooBig(): Error {
  return unreadable(
    `decompressed it has more than ${LIMITS.moduleUnpackedBytes / 1024 / 1024} MiB, which no driver has`,
  );
}

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

const SUFFIXES: readonly (readonly [string, ModuleFormat])[] = [
  ['.gz', 'gzip'],
  ['.xz', 'xz'],
  ['.zst', 'zstd'],
  ['.bz2', 'bzip2'],
  ['.lzma', 'lzma'],
  ['.lz4', 'lz4'],
];

/** The format that a file name's suffix stands for, such as `.ko.xz`; `none` for a plain `.ko` or `.o`. */
export function formatOfSuffix(name: string): ModuleFormat {
  return SUFFIXES.find(([suffix]) => name.endsWith(suffix))?.[1] ?? 'none';
}

/** The integrity check of an .xz stream. The kernel's own decoder takes none and crc32 only. */
export type XzCheck = 'none' | 'crc32' | 'crc64' | 'sha256' | 'unknown';

const CHECKS: Readonly<Record<number, XzCheck>> = { 0: 'none', 1: 'crc32', 4: 'crc64', 10: 'sha256' };

/** The check that the stream header names: the low four bits of its eighth byte (xz-file-format.txt, 2.1.1.2). */
export function xzCheck(bytes: Uint8Array): XzCheck {
  const flags = bytes[7];
  if (flags === undefined || bytes[6] !== 0) return 'unknown';
  return CHECKS[flags] ?? 'unknown';
}

/**
 * The uncompressed size in bytes that the index of a one-stream .xz file states; undefined where the end of the file
 * is no such index. The file only claims it: it serves to refuse early, with a plain reason.
 * (xz-file-format.txt, 2.1.2 and 4: footer with the index's size, index of pairs of variable-length integers.)
 */
export function xzStatedSize(bytes: Uint8Array): number | undefined {
  const footer = bytes.length - 12;
  if (footer < 12 || bytes[footer + 10] !== 0x59 || bytes[footer + 11] !== 0x5a) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const indexSize = (view.getUint32(footer + 4, true) + 1) * 4;
  const start = footer - indexSize;
  if (start < 12 || bytes[start] !== 0) return undefined;
  let at = start + 1;
  const next = (): number | undefined => {
    let value = 0;
    for (let shift = 0; shift < 49 && at < footer; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  const records = next();
  if (records === undefined || records > indexSize) return undefined;
  let total = 0;
  for (let record = 0; record < records; record++) {
    next();
    const size = next();
    if (size === undefined) return undefined;
    total += size;
  }
  return total;
}

/** The part of `node:zlib` that Node has from 22.15 on; the types follow the lowest Node, which is older. */
interface Zstd {
  readonly zstdCompressSync: (bytes: Uint8Array, options: { params: Record<number, number> }) => Buffer;
  readonly zstdDecompressSync: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer;
  readonly createZstdDecompress: () => Transform;
}

/** `ZSTD_c_checksumFlag` of zstd.h. */
const ZSTD_CHECKSUM_FLAG = 201;

/** This Node's own zstd; undefined where it has none. An import by name would keep an older Node from starting. */
export const zstd: Zstd | undefined = 'zstdDecompressSync' in zlib ? (zlib as unknown as Zstd) : undefined;
