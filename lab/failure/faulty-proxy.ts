import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Failure } from './failures.ts';
import {
  bytesOf,
  isAnswer,
  isCommand,
  isDataOut,
  isLastOfAnswer,
  isResponse,
  type Pdu,
  pduSplitter,
  refusal,
  taskOf,
  withoutEffect,
} from './pdu.ts';

/** Stands between a virtual machine's disk and its target, as the storage does whose path fails over. */
export interface FaultyProxy {
  readonly port: number;
  /** From now on the storage fails so; `seconds` is how long one answer is held back. */
  fail(failure: Failure, seconds: number): void;
  /** From now on it does what the target does. */
  restore(): void;
  /** Commands that were refused or whose answer was held back, and connections that were dropped or not accepted. */
  readonly answers: () => number;
  close(): Promise<void>;
}

interface Current {
  readonly failure: Failure;
  readonly seconds: number;
}

/** On loopback only, on a free port. */
export async function openFaultyProxy(targetPort: number): Promise<FaultyProxy> {
  let current: Current | undefined;
  let answers = 0;
  const count = (): void => {
    answers += 1;
  };
  const connections = new Set<Connection>();
  const server = createServer((client) => {
    if (current?.failure.does === 'drop') {
      count();
      // As a port does at which nobody listens: this one must stay taken.
      client.resetAndDestroy();
      return;
    }
    const connection = join(client, targetPort, () => current, count);
    connections.add(connection);
    client.on('close', () => connections.delete(connection));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    fail: (failure, seconds) => {
      current = { failure, seconds };
      if (failure.does !== 'drop') return;
      for (const connection of connections) {
        count();
        connection.drop();
      }
    },
    restore: () => {
      current = undefined;
    },
    answers: () => answers,
    close: async () => {
      for (const connection of connections) connection.drop();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Connection {
  drop(): void;
}

/** Joins a client to the target, and falsifies what passes. */
function join(
  client: Socket,
  targetPort: number,
  current: () => Current | undefined,
  count: () => void,
): Connection {
  const target = connect(targetPort, '127.0.0.1');
  const timers = new Set<NodeJS.Timeout>();
  for (const [one, other] of [
    [client, target],
    [target, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => {
      other.destroy();
      for (const timer of timers) clearTimeout(timer);
    });
  }
  const send = (to: Socket, pdu: Pdu, from: Socket): void => {
    // Not once more for each PDU of the chunk that is under way.
    if (to.destroyed || to.write(bytesOf(pdu)) || from.isPaused()) return;
    from.pause();
    to.once('drain', () => from.resume());
  };
  const later = (act: () => void, seconds: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, seconds * 1000);
    timers.add(timer);
  };
  /** Tasks whose command the target did not get, and what they are answered. */
  const refused = new Map<number, Failure & { readonly does: 'refuse' }>();

  const toTarget = (pdu: Pdu): void => {
    const failure = current()?.failure;
    if (isCommand(pdu) && failure?.does === 'refuse') {
      refused.set(taskOf(pdu), failure);
      send(target, withoutEffect(pdu), client);
    } else if (!isDataOut(pdu) || !refused.has(taskOf(pdu))) send(target, pdu, client);
  };
  const toClient = (pdu: Pdu): void => {
    const failure = refused.get(taskOf(pdu));
    const now = current();
    if (isResponse(pdu) && failure !== undefined) {
      refused.delete(taskOf(pdu));
      count();
      send(client, refusal(pdu, failure.status, failure.sense), target);
    } else if (isAnswer(pdu) && now?.failure.does === 'hold-back') {
      if (isLastOfAnswer(pdu)) count();
      // Answers to commands alone: what keeps the connection alive goes on, or QEMU would connect anew.
      later(() => send(client, pdu, target), now.seconds);
    } else send(client, pdu, target);
  };
  for (const [from, to] of [
    [client, toTarget],
    [target, toClient],
  ] as const) {
    const split = pduSplitter();
    from.on('data', (chunk: Buffer) => {
      for (const pdu of split(chunk)) to(pdu);
    });
  }
  return { drop: () => void client.resetAndDestroy() };
}
