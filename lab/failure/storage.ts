import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Target } from '../../src/machine/port.ts';
import { end, spawnBound } from '../machine/programs.ts';
import type { FailureKind } from '../trial/record.ts';
import { FAILURES, lasts } from './failures.ts';
import { type FaultyProxy, openFaultyProxy } from './faulty-proxy.ts';

/** A disk's image behind a path that can fail over. */
export interface Storage {
  /** For `passThroughDisk`. */
  readonly url: string;
  /** From now on the path fails, for so long (with `slow`, so long is each answer held back). Happens once. */
  failOver(seconds: number, kind?: FailureKind): void;
  readonly isFailedOver: () => boolean;
  /** When the failure began and ended, in ms since 1970; `ended` is undefined while it lasts. */
  readonly period: () => { readonly began: number; readonly ended: number | undefined } | undefined;
  /** Of commands: falsified or held back; of connections: dropped or not accepted. */
  readonly answers: () => number;
  close(): Promise<void>;
}

/** Serves an image, with its own files in `folder`. Needs root. */
export async function openStorage(machine: Target, folder: string, image: string): Promise<Storage> {
  const target = await openIscsiTarget(machine, folder, image);
  let proxy: FaultyProxy;
  try {
    proxy = await openFaultyProxy(target.port);
  } catch (error) {
    await target.close();
    throw error;
  }
  let timer: NodeJS.Timeout | undefined;
  let began = 0;
  let ended: number | undefined;
  return {
    url: `iscsi://127.0.0.1:${proxy.port}/${target.name}/1`,
    failOver: (seconds, kind = 'busy') => {
      if (timer !== undefined) return;
      began = Date.now();
      proxy.fail(FAILURES[kind], seconds);
      timer = setTimeout(() => {
        proxy.restore();
        ended = Date.now();
      }, lasts(kind, seconds) * 1000);
    },
    isFailedOver: () => timer !== undefined,
    period: () => (timer === undefined ? undefined : { began, ended }),
    answers: proxy.answers,
    close: async () => {
      clearTimeout(timer);
      await proxy.close();
      await target.close();
    },
  };
}

/** A disk image served by iSCSI on loopback. */
export interface IscsiTarget {
  readonly port: number;
  readonly name: string;
  close(): Promise<void>;
}

const NAME = 'iqn.2007-03.example.mptfix:lab';
/** tgt's management channel is a socket in the folder below: any number will do. */
const CHANNEL = '1';

/** Serves the image with a tgtd of its own, which no other tgtadm can see. Needs root. */
async function openIscsiTarget(machine: Target, folder: string, image: string): Promise<IscsiTarget> {
  const sockets = join(folder, 'tgt');
  await mkdir(sockets);
  const env = { TGT_IPC_SOCKET: join(sockets, 'socket') };
  const port = await freePort();
  const daemon = spawnBound(['tgtd', '-f', '-C', CHANNEL, '--iscsi', `portal=127.0.0.1:${port}`], env);
  let said = '';
  for (const stream of [daemon.stdout, daemon.stderr])
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4096);
    });
  const admin = async (...words: readonly string[]): Promise<string | undefined> => {
    const argv = ['tgtadm', '-C', CHANNEL, '--lld', 'iscsi', ...words] as const;
    const { status, stderr } = await machine.run(argv, { effect: 'write', env });
    return status === 0 ? undefined : `${argv.join(' ')}: ${stderr.trim()}`;
  };
  try {
    await ready(() => admin('--op', 'show', '--mode', 'sys'));
    for (const words of [
      ['--op', 'new', '--mode', 'target', '--tid', '1', '-T', NAME],
      ['--op', 'new', '--mode', 'logicalunit', '--tid', '1', '--lun', '1', '-b', image],
      ['--op', 'bind', '--mode', 'target', '--tid', '1', '-I', '127.0.0.1'],
    ]) {
      const problem = await admin(...words);
      if (problem !== undefined) throw new Error(problem);
    }
  } catch (error) {
    await end(daemon);
    throw new Error(`the iSCSI target did not start: ${(error as Error).message}\n${said}`);
  }
  return { port, name: NAME, close: () => end(daemon) };
}

async function ready(ask: () => Promise<string | undefined>): Promise<void> {
  let problem: string | undefined;
  for (let tries = 0; tries < 50; tries += 1) {
    problem = await ask();
    if (problem === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(problem);
}

/** tgtd cannot choose one itself. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
