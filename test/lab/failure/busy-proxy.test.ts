import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeBusy, openBusyProxy, pduRewriter } from '../../../lab/failure/busy-proxy.ts';

/** A SCSI response with the status GOOD. */
const ANSWER = Buffer.concat([Buffer.from([0x21]), Buffer.alloc(47)]);

describe('openBusyProxy', () => {
  it('answers BUSY for as long as it is told to, and counts', async () => {
    const server = createServer((socket) => socket.on('data', () => socket.write(ANSWER)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const proxy = await openBusyProxy((server.address() as AddressInfo).port);
    const client = connect(proxy.port, '127.0.0.1');
    onTestFinished(() => void client.destroy());
    const ask = async (): Promise<number | undefined> => {
      client.write('?');
      const [answer] = (await once(client, 'data')) as [Buffer];
      return answer[3];
    };
    expect(await ask()).toBe(0);
    proxy.setBusy(true);
    expect([await ask(), await ask()]).toEqual([8, 8]);
    proxy.setBusy(false);
    expect(await ask()).toBe(0);
    expect(proxy.busyAnswers()).toBe(2);
    const closed = once(client, 'close');
    await proxy.close();
    await closed;
  });

  it('closes the connection where the target is gone', async () => {
    const proxy = await openBusyProxy(1);
    const client = connect(proxy.port, '127.0.0.1');
    client.on('error', () => {});
    await once(client, 'close');
    await proxy.close();
    expect(client.destroyed).toBe(true);
  });
});

interface Pdu {
  readonly opcode: number;
  readonly flags: number;
  readonly words: number;
  readonly data: number;
}

function bytesOf({ opcode, flags, words, data }: Pdu): Buffer {
  const header = Buffer.alloc(48);
  header.writeUInt8(opcode, 0);
  header.writeUInt8(flags, 1);
  header.writeUInt8(words, 4);
  header.writeUIntBE(data, 5, 3);
  // What follows looks like responses, so that a cut in the wrong place would show.
  return Buffer.concat([header, Buffer.alloc(words * 4 + Math.ceil(data / 4) * 4, 0x21)]);
}

const pdu = fc.record({
  opcode: fc.constantFrom(0x01, 0x21, 0x25, 0x61),
  flags: fc.constantFrom(0, 1, 0x80, 0x81),
  words: fc.nat(2),
  data: fc.nat(70),
});

describe('pduRewriter', () => {
  it('changes the status of each answer and no other byte, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(pdu),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
        (pdus, cuts) => {
          const stream = Buffer.concat(pdus.map(bytesOf));
          const expected = Buffer.concat(
            pdus.map((one) => {
              const bytes = bytesOf(one);
              const opcode = one.opcode & 0x3f;
              if (opcode === 0x21 || (opcode === 0x25 && one.flags % 2 === 1)) bytes[3] = 8;
              return bytes;
            }),
          );
          let busy = 0;
          const rewrite = pduRewriter((header) => {
            if (makeBusy(header)) busy += 1;
          });
          const out: Buffer[] = [];
          for (let at = 0, turn = 0; at < stream.length; turn += 1) {
            const length = cuts[turn % cuts.length] ?? 1;
            out.push(rewrite(stream.subarray(at, at + length)));
            at += length;
          }
          expect(Buffer.concat(out).equals(expected)).toBe(true);
          expect(busy).toBe(expected.filter((_, at) => expected[at] !== stream[at]).length);
        },
      ),
    );
  });
});
