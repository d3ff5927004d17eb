import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openBusyProxy } from '../../../lab/failure/busy-proxy.ts';

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
