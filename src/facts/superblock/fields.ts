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
