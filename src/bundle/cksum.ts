/*
 * The checksum of cksum(1), which every guest has: CRC-32 of the bytes and of their number. It shows accidents; who wants to
 * can make another file with the same one. Source: POSIX, cksum: "Description".
 */

const POLYNOMIAL = 0x04c11db7;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) sum = (sum << 1) ^ (sum < 0 ? POLYNOMIAL : 0);
  return sum >>> 0;
});

/** Of the parts in a row, as a number below 2^32. */
export function cksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  const add = (byte: number): void => {
    sum = ((sum << 8) ^ (TABLE[(sum >>> 24) ^ byte] ?? 0)) >>> 0;
  };
  let length = 0;
  for (const part of parts) {
    for (const byte of part) add(byte);
    length += part.length;
  }
  // The lowest byte of the length first, without those that are zero above it.
  for (; length > 0; length = Math.floor(length / 256)) add(length % 256);
  return ~sum >>> 0;
}
