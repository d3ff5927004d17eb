import type { Sense } from './failures.ts';

/** iSCSI's unit: a header of 48 bytes, and what follows it (further header segments and data, padded). */
export interface Pdu {
  readonly header: Buffer;
  readonly rest: Buffer;
}

/** Source: RFC 7143, section 11.2. */
const HEADER_BYTES = 48;

/** In the header's first byte. Source: RFC 7143, section 11.2.1.2. */
const OPCODES = { scsiCommand: 0x01, dataOut: 0x05, scsiResponse: 0x21, dataIn: 0x25 } as const;

/**
 * Splits a stream of iSCSI into its whole PDUs, whatever its chunks. Without digests, which libiscsi and tgt do not use
 * by default. Holds at most one unfinished PDU.
 */
export function pduSplitter(): (chunk: Buffer) => readonly Pdu[] {
  let held: Buffer = Buffer.alloc(0);
  return (chunk) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const pdus: Pdu[] = [];
    while (held.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + bytesAfter(held);
      if (held.length < end) break;
      // Copied: what is changed later must not be the stream's own.
      pdus.push({
        header: Buffer.from(held.subarray(0, HEADER_BYTES)),
        rest: Buffer.from(held.subarray(HEADER_BYTES, end)),
      });
      held = held.subarray(end);
    }
    return pdus;
  };
}

/** TotalAHSLength counts words, DataSegmentLength bytes without their padding. */
function bytesAfter(header: Buffer): number {
  return header.readUInt8(4) * 4 + Math.ceil(header.readUIntBE(5, 3) / 4) * 4;
}

export function bytesOf({ header, rest }: Pdu): Buffer {
  return Buffer.concat([header, rest]);
}

function opcode({ header }: Pdu): number {
  return header.readUInt8(0) & 0x3f;
}

/** Initiator Task Tag: which task of the connection it belongs to. */
export function taskOf({ header }: Pdu): number {
  return header.readUInt32BE(16);
}

export const isCommand = (pdu: Pdu): boolean => opcode(pdu) === OPCODES.scsiCommand;
export const isDataOut = (pdu: Pdu): boolean => opcode(pdu) === OPCODES.dataOut;
export const isResponse = (pdu: Pdu): boolean => opcode(pdu) === OPCODES.scsiResponse;
const isDataIn = (pdu: Pdu): boolean => opcode(pdu) === OPCODES.dataIn;

/** Part of the answer to a SCSI command: data that was read, or its status. */
export const isAnswer = (pdu: Pdu): boolean => isResponse(pdu) || isDataIn(pdu);

/** In Data-In's flags: it carries the status, and no response follows. */
const HAS_STATUS = 0x01;

/** The last part of an answer. */
export const isLastOfAnswer = (pdu: Pdu): boolean =>
  isResponse(pdu) || (isDataIn(pdu) && (pdu.header.readUInt8(1) & HAS_STATUS) !== 0);

/**
 * The same task with TEST UNIT READY in the place of its command, and without data: the target carries nothing out, and
 * the numbers by which both sides count commands and answers stay right.
 * Source: RFC 7143, section 11.3 (0x80: final; 0x07: the task's attribute).
 */
export function withoutEffect({ header }: Pdu): Pdu {
  const changed = Buffer.from(header);
  changed.writeUInt8(0x80 | (header.readUInt8(1) & 0x07), 1);
  // TotalAHSLength and DataSegmentLength; Expected Data Transfer Length; the CDB, which TEST UNIT READY fills with zeros.
  changed.fill(0, 4, 8);
  changed.fill(0, 20, 24);
  changed.fill(0, 32, 48);
  return { header: changed, rest: Buffer.alloc(0) };
}

/**
 * A SCSI Response that says this instead, with the sense data behind a length of two bytes.
 * Source: RFC 7143, section 11.4.
 */
export function refusal({ header }: Pdu, status: number, sense: Sense | undefined): Pdu {
  const changed = Buffer.from(header);
  // Final, no residual; completed at the target.
  changed.writeUInt8(0x80, 1);
  changed.writeUInt8(0, 2);
  changed.writeUInt8(status, 3);
  const data = sense === undefined ? Buffer.alloc(0) : segmentOf(sense);
  changed.writeUInt8(0, 4);
  changed.writeUIntBE(data.length, 5, 3);
  changed.writeUInt32BE(0, 44);
  return { header: changed, rest: data };
}

/** Fixed format, current error. Source: SPC-4, 4.5.3. */
function segmentOf({ key, code, qualifier }: Sense): Buffer {
  const bytes = 18;
  // A whole number of words, as it is.
  const segment = Buffer.alloc(2 + bytes);
  segment.writeUInt16BE(bytes, 0);
  segment.writeUInt8(0x70, 2);
  segment.writeUInt8(key, 4);
  segment.writeUInt8(bytes - 8, 9);
  segment.writeUInt8(code, 14);
  segment.writeUInt8(qualifier, 15);
  return segment;
}
