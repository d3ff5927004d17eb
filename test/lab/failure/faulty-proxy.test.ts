import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FAILURES } from '../../../lab/failure/failures.ts';
import { type FaultyProxy, openFaultyProxy } from '../../../lab/failure/faulty-proxy.ts';
import { bytesOf, type Pdu, pduSplitter } from '../../../lab/failure/pdu.ts';

function pdu(opcode: number, task: number, data = ''): Pdu {
  const header = Buffer.alloc(48);
  header.writeUInt8(opcode, 0);
  header.writeUIntBE(data.length, 5, 3);
  header.writeUInt32BE(task, 16);
  // A WRITE(10).
  if (opcode === 0x01) header.writeUInt8(0x2a, 32);
  return { header, rest: Buffer.from(data.padEnd(Math.ceil(data.length / 4) * 4, '\0')) };
}

interface Scene {
  readonly proxy: FaultyProxy;
  readonly client: Socket;
  /** What the target has got. */
  readonly got: Pdu[];
  /** Sends this, and answers what comes back next. */
  readonly ask: (...pdus: readonly Pdu[]) => Promise<Pdu>;
}

/** A target that answers each command with a response, and each NOP-Out with a NOP-In. */
async function scene(): Promise<Scene> {
  const got: Pdu[] = [];
  const server = createServer((socket) => {
    const split = pduSplitter();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const one of split(chunk)) {
        got.push(one);
        const opcode = one.header.readUInt8(0);
        if (opcode === 0x01) socket.write(bytesOf(pdu(0x21, one.header.readUInt32BE(16))));
        if (opcode === 0x00) socket.write(bytesOf(pdu(0x20, one.header.readUInt32BE(16))));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await openFaultyProxy((server.address() as AddressInfo).port);
  const client = connect(proxy.port, '127.0.0.1');
  client.on('error', () => {});
  onTestFinished(async () => {
    client.destroy();
    await proxy.close();
    server.close();
  });
  const waiting: ((one: Pdu) => void)[] = [];
  const split = pduSplitter();
  client.on('data', (chunk: Buffer) => {
    for (const one of split(chunk)) waiting.shift()?.(one);
  });
  const ask: Scene['ask'] = (...pdus) => {
    client.write(Buffer.concat(pdus.map(bytesOf)));
    return new Promise((resolve) => waiting.push(resolve));
  };
  return { proxy, client, got, ask };
}

/** However it ends: an error is no failure of the test. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once('close', () => resolve()));

const statusOf = ({ header }: Pdu): number => header.readUInt8(3);

describe('openFaultyProxy', () => {
  it('passes everything on, unchanged, while nothing fails', async () => {
    const { got, ask, proxy } = await scene();
    expect(await ask(pdu(0x01, 7, 'data'))).toEqual(pdu(0x21, 7));
    expect(got).toEqual([pdu(0x01, 7, 'data')]);
    expect(proxy.answers()).toBe(0);
  });

  it('refuses each command with BUSY, and the target gets neither the command nor its data', async () => {
    const { got, ask, proxy } = await scene();
    proxy.fail(FAILURES.busy, 5);
    expect(statusOf(await ask(pdu(0x01, 1, 'data'), pdu(0x05, 1, 'more')))).toBe(8);
    expect(statusOf(await ask(pdu(0x01, 2)))).toBe(8);
    expect(got.map(({ header, rest }) => [header.readUInt8(32), rest.length])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    proxy.restore();
    expect(statusOf(await ask(pdu(0x01, 1, 'data')))).toBe(0);
    expect(got.at(-1)).toEqual(pdu(0x01, 1, 'data'));
    expect(proxy.answers()).toBe(2);
  });

  it('refuses with CHECK CONDITION and its sense', async () => {
    const { ask, proxy } = await scene();
    proxy.fail(FAILURES['not-ready'], 5);
    const answer = await ask(pdu(0x01, 1));
    expect(statusOf(answer)).toBe(2);
    expect([answer.rest.readUInt16BE(0), answer.rest[4], answer.rest[14], answer.rest[15]]).toEqual([
      18, 2, 4, 3,
    ]);
  });

  it('carries commands out and holds their answers back, and nothing else', async () => {
    const { got, ask, proxy } = await scene();
    proxy.fail(FAILURES.slow, 0.5);
    const first = ask(pdu(0x01, 1, 'data'), pdu(0x00, 2));
    const second = ask();
    expect([await first, await second]).toEqual([pdu(0x20, 2), pdu(0x21, 1)]);
    expect(got).toEqual([pdu(0x01, 1, 'data'), pdu(0x00, 2)]);
    expect(proxy.answers()).toBe(1);
  });

  it('drops the connection, accepts none, and later accepts again', async () => {
    const { proxy, client, ask } = await scene();
    await ask(pdu(0x00, 1));
    proxy.fail(FAILURES['lost-connection'], 5);
    await closed(client);
    const refused = connect(proxy.port, '127.0.0.1');
    refused.on('error', () => {});
    await closed(refused);
    expect(proxy.answers()).toBe(2);
    proxy.restore();
    const again = connect(proxy.port, '127.0.0.1');
    again.write(bytesOf(pdu(0x00, 1)));
    const [answer] = (await once(again, 'data')) as [Buffer];
    expect(answer.readUInt8(0)).toBe(0x20);
    again.destroy();
  });

  it('closes the connection where the target is gone', async () => {
    const proxy = await openFaultyProxy(1);
    const client = connect(proxy.port, '127.0.0.1');
    client.on('error', () => {});
    await closed(client);
    await proxy.close();
    expect(client.destroyed).toBe(true);
  });
});
