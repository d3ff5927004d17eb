/** What every superblock reader shares. The bytes are whatever a disk holds: nothing in them is to be trusted. */

/** A fixed field of characters up to its first NUL, with everything that is not printable ASCII replaced. */
export function textField(bytes: Buffer, offset: number, length: number): string {
  const field = bytes.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field
    .subarray(0, end === -1 ? field.length : end)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '?');
}

export function uuidField(bytes: Buffer, offset: number): string {
  const hex = bytes.subarray(offset, offset + 16).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Whether the checksum that the superblock carries is that of its bytes; null where it carries none we can check. */
export type ChecksumState = 'good' | 'bad' | null;

/** The Castagnoli polynomial, reflected. */
const POLYNOMIAL = 0x82f63b78;

const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value >>> 0;
});

/** CRC-32C as the kernel's `crc32c()` has it: seeded with all ones, and not inverted at the end. */
export function crc32c(bytes: Uint8Array, seed = 0xffffffff): number {
  let value = seed >>> 0;
  for (const byte of bytes) value = ((TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8)) >>> 0;
  return value;
}
