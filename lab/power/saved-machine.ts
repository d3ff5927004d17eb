import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { shQuote } from '../../src/sh-quote.ts';

/** Saving and going on take seconds; longer than this means that they hang. */
const LIMIT_SECONDS = 180;
const LOOK_MS = 200;

/** Stops a machine, and writes memory and devices to a file. `control`: the socket of its QMP. */
export function saveMachine(control: string, file: string): Promise<void> {
  return withControl(control, async (command) => {
    await command('stop');
    await command('migrate', { uri: `exec:cat >${shQuote(file)}` });
    await until(async () => {
      const { status } = await command('query-migrate');
      if (status === 'failed') throw new Error('QEMU cannot save the machine');
      return status === 'completed';
    });
  });
}

/** Has a machine that was started with `-incoming` go on, once it has read its memory. */
export function resumeMachine(control: string): Promise<void> {
  return withControl(control, async (command) => {
    await until(async () => (await command('query-status')).status !== 'inmigrate');
    await command('cont');
  });
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < LIMIT_SECONDS * 1000; waited += LOOK_MS) {
    if (await isSo()) return;
    await wait(LOOK_MS);
  }
  throw new Error(`it is not done within ${LIMIT_SECONDS} s`);
}

type Command = (execute: string, args?: unknown) => Promise<Readonly<Record<string, unknown>>>;

/** QEMU's own control channel. Source: QEMU, docs/interop/qmp-spec.txt. */
async function withControl(control: string, act: (command: Command) => Promise<void>): Promise<void> {
  const socket = await connected(control);
  const lines = createInterface({ input: socket });
  const replies = lines[Symbol.asyncIterator]();
  const command: Command = async (execute, args) => {
    socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    for (;;) {
      const { value, done } = await replies.next();
      if (done === true) throw new Error(`QEMU hung up at ${execute}`);
      const reply = JSON.parse(value) as { return?: Record<string, unknown>; error?: { desc: string } };
      if (reply.error !== undefined) throw new Error(`QEMU refuses ${execute}: ${reply.error.desc}`);
      if (reply.return !== undefined) return reply.return;
    }
  };
  try {
    await command('qmp_capabilities');
    await act(command);
  } finally {
    lines.close();
    socket.destroy();
  }
}

/** QEMU makes the socket some moments after it was started. */
async function connected(control: string): Promise<ReturnType<typeof connect>> {
  let problem: unknown;
  for (let tries = 0; tries < 100; tries += 1) {
    const socket = connect(control);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      problem = error;
      await wait(LOOK_MS);
    }
  }
  throw problem;
}
