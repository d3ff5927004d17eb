import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { makeBusy, pduRewriter } from './pdu.ts';

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
