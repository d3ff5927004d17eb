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
 * is no such index. It is a claim of the file and no proof: it serves to refuse early, with a plain reason.
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
