import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between a virtual machine's disk and its target, as the storage does whose path fails over. */
export interface BusyProxy {
  readonly port: number;
  /** From now on every command is answered BUSY, or as the target says. */
  setBusy(busy: boolean): void;
  /** BUSY answers so far. */
  readonly busyAnswers: () => number;
  close(): Promise<void>;
}

/** On loopback only, on a free port. */
export async function openBusyProxy(targetPort: number): Promise<BusyProxy> {
  let busy = false;
  let answers = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    const rewrite = pduRewriter((header) => {
      if (busy && makeBusy(header)) answers += 1;
    });
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    client.pipe(target);
    target.on('data', (chunk: Buffer) => {
      if (client.write(rewrite(chunk))) return;
      target.pause();
      client.once('drain', () => target.resume());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    setBusy: (now) => {
      busy = now;
    },
    busyAnswers: () => answers,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** iSCSI's basic header segment. Source: RFC 7143, section 11.2. */
const HEADER_BYTES = 48;

/**
 * Splits a stream of iSCSI into its PDUs, whatever its chunks, and lets each header be changed on its way. Without
 * digests, which libiscsi and tgt do not use by default. Holds at most one unfinished header.
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

/** Replaces a target's status with BUSY; false where the PDU has none. */
export function makeBusy(header: Buffer): boolean {
  const opcode = header.readUInt8(0) & 0x3f;
  const carries =
    opcode === OPCODE_SCSI_RESPONSE ||
    (opcode === OPCODE_DATA_IN && (header.readUInt8(1) & HAS_STATUS) !== 0);
  if (carries) header.writeUInt8(BUSY, 3);
  return carries;
}
