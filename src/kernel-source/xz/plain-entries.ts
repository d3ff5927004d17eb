import { isTar, TAR_UNIT as UNIT } from '../archive.ts';
import { unsafeEntry } from '../tar-collector.ts';

/** Fields of a header, by their offset and length. Source: POSIX.1-2008, pax, ustar interchange format. */
const NAME = [0, 100] as const;
const SIZE = [124, 12] as const;
const CHECKSUM = [148, 8] as const;
const TYPE = 156;
const LINK = [157, 100] as const;
const PREFIX = 345;
/** By the type flag: what the parser calls it. */
const PLAIN: Readonly<Record<string, string>> = {
  '0': 'File',
  '5': 'Directory',
  '1': 'Link',
  '2': 'SymbolicLink',
};
/** GNU tar: the name of the next entry, where it is too long for a header. */
const LONG_NAME = 'L';
const MAX_NAME_BYTES = 4096;

/**
 * Skips entries of a tar that need no parser: plain, harmless, with a name that `isBefore` the goal. Some thousand of
 * them precede the driver in its block, and a parser would create an object and a stream for each. `isBefore` is asked
 * for each entry's name once, in their order; `path` is the archive's, for messages.
 *
 * Returns what the parser must read of each chunk: at first nothing, then all from the first other entry on.
 */
export function plainEntries(path: string, isBefore: (name: string) => boolean): (chunk: Buffer) => Buffer {
  let rest: Buffer = Buffer.alloc(0);
  /** Bytes of content to come before the next header. */
  let skip = 0;
  let over = false;

  /** How long the entry at `at` is, with a long name before it; undefined: more is needed; false: the parser's. */
  const lengthAt = (at: number): number | undefined | false => {
    if (at + UNIT > rest.length) return undefined;
    if (!isHeader(rest, at)) return false;
    const size = octal(rest, at, SIZE);
    if (size === undefined) return false;
    if (String.fromCharCode(rest[at + TYPE] ?? 0) !== LONG_NAME)
      return plain(at, at, text(rest, at, NAME), size);
    if (size > MAX_NAME_BYTES) return false;
    const next = at + UNIT + padded(size);
    if (next + UNIT > rest.length) return undefined;
    const nextSize = isHeader(rest, next) ? octal(rest, next, SIZE) : undefined;
    return nextSize !== undefined && plain(at, next, text(rest, at + UNIT, [0, size]), nextSize);
  };
  const plain = (start: number, at: number, name: string, size: number): number | false => {
    const flag = String.fromCharCode(rest[at + TYPE] ?? 0);
    const type = PLAIN[flag];
    // Only a file has content; the parser decides about another entry that claims to have some.
    if (type === undefined || (flag !== '0' && size > 0) || (flag === '0' && name.endsWith('/')))
      return false;
    if (unsafeEntry(path, { path: name, type, linkpath: text(rest, at, LINK) }) !== undefined) return false;
    if (!isBefore(name)) return false;
    return at + UNIT + padded(size) - start;
  };

  return (chunk) => {
    if (over) return chunk;
    if (skip >= chunk.length) {
      skip -= chunk.length;
      return Buffer.alloc(0);
    }
    rest = rest.length === 0 ? chunk.subarray(skip) : Buffer.concat([rest, chunk]);
    skip = 0;
    let at = 0;
    while (at < rest.length) {
      const length = lengthAt(at);
      if (length === false) {
        over = true;
        return rest.subarray(at);
      }
      if (length === undefined) break;
      at += length;
    }
    skip = Math.max(0, at - rest.length);
    rest = rest.subarray(at);
    return Buffer.alloc(0);
  };
}

/** Of the plain kind: in one field, and with the right checksum. */
function isHeader(bytes: Buffer, at: number): boolean {
  if (!isTar(bytes, at) || bytes[at + PREFIX] !== 0) return false;
  let sum = CHECKSUM[1] * 32;
  for (let index = 0; index < UNIT; index += 1) {
    if (index < CHECKSUM[0] || index >= CHECKSUM[0] + CHECKSUM[1]) sum += bytes[at + index] ?? 0;
  }
  return octal(bytes, at, CHECKSUM) === sum;
}

function octal(bytes: Buffer, at: number, [offset, length]: readonly [number, number]): number | undefined {
  const digits = /^ *([0-7]+)[ \0]*$/.exec(bytes.toString('latin1', at + offset, at + offset + length))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

/** Up to the first NUL. */
function text(bytes: Buffer, at: number, [offset, length]: readonly [number, number]): string {
  const field = bytes.subarray(at + offset, at + offset + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}

function padded(size: number): number {
  return Math.ceil(size / UNIT) * UNIT;
}
