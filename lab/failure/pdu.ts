/** iSCSI's basic header segment. Source: RFC 7143, section 11.2. */
const HEADER_BYTES = 48;

/**
 * Cuts a stream of iSCSI into its PDUs, however it comes in, and lets each header be changed on its way. Without
 * digests, which neither libiscsi nor tgt uses unless told to. Holds at most one unfinished header.
 */
export function pduRewriter(change: (header: Buffer) => void): (chunk: Buffer) => Buffer {
  let header = Buffer.alloc(0);
  /** Of the current PDU, bytes after the header that are still to come. */
  let rest = 0;
  return (chunk) => {
    const out: Buffer[] = [];
    let left = chunk;
    while (left.length > 0) {
      if (rest > 0) {
        const part = left.subarray(0, rest);
        rest -= part.length;
        left = left.subarray(part.length);
        out.push(part);
        continue;
      }
      const part = left.subarray(0, HEADER_BYTES - header.length);
      header = Buffer.concat([header, part]);
      left = left.subarray(part.length);
      if (header.length < HEADER_BYTES) break;
      rest = bytesAfter(header);
      change(header);
      out.push(header);
      header = Buffer.alloc(0);
    }
    return Buffer.concat(out);
  };
}

/** TotalAHSLength counts words, DataSegmentLength bytes without their padding. */
function bytesAfter(header: Buffer): number {
  return header.readUInt8(4) * 4 + Math.ceil(header.readUIntBE(5, 3) / 4) * 4;
}

const OPCODE_SCSI_RESPONSE = 0x21;
const OPCODE_DATA_IN = 0x25;
/** In Data-In's flags: this one carries the status, and no response follows. */
const HAS_STATUS = 0x01;
/** Source: SAM, status codes. */
const BUSY = 0x08;

/** Makes the status that a target gives BUSY; false where the PDU carries none. */
export function makeBusy(header: Buffer): boolean {
  const opcode = header.readUInt8(0) & 0x3f;
  const carries =
    opcode === OPCODE_SCSI_RESPONSE ||
    (opcode === OPCODE_DATA_IN && (header.readUInt8(1) & HAS_STATUS) !== 0);
  if (carries) header.writeUInt8(BUSY, 3);
  return carries;
}
