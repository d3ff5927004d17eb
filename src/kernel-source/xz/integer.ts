/** A number of the .xz format and where the next one begins. */
export interface Decoded {
  readonly value: number;
  readonly next: number;
}

/**
 * Reads a multibyte integer (xz-file-format.txt, 1.2): seven bits a byte, the lowest first, the high bit set on all
 * but the last, at most nine bytes. Undefined where there is none, where it is not written in the shortest way, and
 * above 2^53-1, which no file reaches.
 */
export function readInteger(bytes: Uint8Array, at: number): Decoded | undefined {
  let value = 0;
  for (let length = 0; length < 9; length++) {
    const byte = bytes[at + length];
    if (byte === undefined || (byte === 0 && length > 0)) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * length);
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
    if (byte < 0x80) return { value, next: at + length + 1 };
  }
  return undefined;
}

/** Writes a multibyte integer; `value` is a whole number from 0 to 2^53-1. */
export function writeInteger(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
