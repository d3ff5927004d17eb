import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';

/** How a file writes its numbers. */
export interface NumberFormat {
  readonly littleEndian: boolean;
  /** Bits of an address. */
  readonly class: 32 | 64;
}

/**
 * A file's bytes together with what is needed to read numbers from them. Every read is checked against the file's
 * end, so that a truncated or hostile file gives one typed failure and never a RangeError or a huge allocation.
 */
export interface View extends NumberFormat {
  readonly bytes: Uint8Array;
  readonly data: DataView;
}

export function viewOf(bytes: Uint8Array, { littleEndian, class: bits }: NumberFormat): View {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes, data, littleEndian, class: bits };
}

/** The failure E_CANNOT_DECIDE for a file that cannot be judged. */
export function unreadable(why: string, cause?: unknown): Error {
  return failure(
    'E_CANNOT_DECIDE',
    `this file cannot be read as a kernel module: ${why}`,
    'give the module as the distro shipped it, or judge the driver’s source with --source',
    { cause },
  );
}

/** Refuses a file that cannot be judged: throws `unreadable`. */
export function damaged(why: string): never {
  throw unreadable(why);
}

/** `length` bytes from `offset`, without copying. Throws E_CANNOT_DECIDE where the file has no such range. */
export function slice(bytes: Uint8Array, offset: number, length: number, what: string): Uint8Array {
  const sane = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!sane || offset > bytes.length || length > bytes.length - offset) {
    damaged(`${what} is outside the file, which is truncated or damaged`);
  }
  return bytes.subarray(offset, offset + length);
}

/** Reads `length` bytes at an offset, refusing a place past the file's end. */
function reader<T>(length: number, read: (view: View, offset: number) => T) {
  return (view: View, offset: number): T => {
    if (!(offset >= 0 && offset + length <= view.bytes.length)) damaged('it is truncated or damaged');
    return read(view, offset);
  };
}

export const u8 = reader(1, ({ data }, offset) => data.getUint8(offset));
export const u16 = reader(2, ({ data, littleEndian }, offset) => data.getUint16(offset, littleEndian));
export const u32 = reader(4, ({ data, littleEndian }, offset) => data.getUint32(offset, littleEndian));
export const i32 = reader(4, ({ data, littleEndian }, offset) => data.getInt32(offset, littleEndian));

/** A size or offset of 64 bits. One that a number cannot hold (2^53 and up) cannot be true of a file: refused. */
const u64 = reader(8, ({ data, littleEndian }, offset) => {
  const value = Number(data.getBigUint64(offset, littleEndian));
  return Number.isSafeInteger(value) ? value : damaged('a 64-bit field holds an impossible size');
});

/** A signed 64-bit value, such as an addend or an absolute symbol; refused where a number cannot hold it. */
export const i64 = reader(8, ({ data, littleEndian }, offset) => {
  const value = Number(data.getBigInt64(offset, littleEndian));
  return Number.isSafeInteger(value) ? value : damaged('a 64-bit field holds an impossible value');
});

/** An address-sized unsigned field: 4 or 8 bytes by the file's class. */
export function word(view: View, offset: number): number {
  return view.class === 64 ? u64(view, offset) : u32(view, offset);
}

/** The text from `start` to the next NUL, or to `end` where there is none. */
export function textAt(bytes: Uint8Array, start: number, end: number = bytes.length): string {
  if (start < 0 || start >= end) return '';
  const nul = bytes.indexOf(0, start);
  return latin1(bytes.subarray(start, nul < 0 || nul > end ? end : nul));
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes as characters 0 to 255: names in kernels are ASCII, and anything else must survive unchanged. */
export function latin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1');
}

/** The non-empty NUL-terminated texts of a section that is a list of them. */
export function texts(bytes: Uint8Array): readonly string[] {
  if (bytes.length > LIMITS.tableBytes) damaged('a section of texts has an impossible size');
  return latin1(bytes)
    .split('\0')
    .filter((text) => text !== '');
}
