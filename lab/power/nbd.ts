import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import type { Disk } from './disk.ts';

/** Numbers of the protocol. Source: NetworkBlockDevice/nbd, doc/proto.md. */
const MAGIC = { hello: 'NBDMAGIC', option: 'IHAVEOPT', request: 0x25609513, reply: 0x67446698 } as const;
const OPTION_REPLY = Buffer.from('0003e889045565a9', 'hex');
const HANDSHAKE = { fixedNewstyle: 1, noZeroes: 2 } as const;
const OPTION = { abort: 2, info: 6, go: 7 } as const;
const REPLY = { ack: 1, info: 3, unsupported: 0x80000001 } as const;
/** There are flags; flush and FUA are known. */
const DISK_FLAGS = 1 | 4 | 8;
const COMMAND = { read: 0, write: 1, disconnect: 2, flush: 3 } as const;
const FUA = 1;
const EIO = 5;
const EINVAL = 22;

/** Serves a disk at a socket's path to one program after the other. */
export async function serveDisk(disk: Disk, path: string): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    serve(socket, disk).catch(() => socket.destroy());
  });
  // Of a process that was killed.
  await rm(path, { force: true });
  server.listen(path);
  await once(server, 'listening');
  return {
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function serve(socket: Socket, disk: Disk): Promise<void> {
  const take = reader(socket);
  const flags = Buffer.alloc(2);
  flags.writeUInt16BE(HANDSHAKE.fixedNewstyle | HANDSHAKE.noZeroes);
  socket.write(Buffer.concat([Buffer.from(MAGIC.hello + MAGIC.option), flags]));
  await take(4);
  if (!(await negotiate(socket, take, disk.size))) return;
  for (;;) {
    const header = await take(28);
    if (header.readUInt32BE(0) !== MAGIC.request) throw new Error('this is no request');
    const [flag, type] = [header.readUInt16BE(4), header.readUInt16BE(6)];
    const [offset, length] = [Number(header.readBigUInt64BE(16)), header.readUInt32BE(24)];
    const handle = Buffer.from(header.subarray(8, 16));
    if (type === COMMAND.disconnect) return;
    if (type === COMMAND.read) {
      // Reads do not hold up what comes after them.
      disk.read(offset, length).then(
        (data) => answer(disk, socket, Buffer.concat([reply(handle, 0), data])),
        () => answer(disk, socket, reply(handle, EIO)),
      );
      continue;
    }
    const data = type === COMMAND.write ? Buffer.from(await take(length)) : undefined;
    const error = act(disk, { type, offset, data, through: (flag & FUA) !== 0 });
    await answer(disk, socket, reply(handle, error));
  }
}

async function answer(disk: Disk, socket: Socket, words: Buffer): Promise<void> {
  await disk.mayAnswer();
  socket.write(words);
}

interface Request {
  readonly type: number;
  readonly offset: number;
  readonly data: Buffer | undefined;
  readonly through: boolean;
}

/** Answers an error's number; 0: done. */
function act(disk: Disk, { type, offset, data, through }: Request): number {
  try {
    if (data !== undefined) disk.write(offset, data, through);
    else if (type === COMMAND.flush) disk.flush();
    else return EINVAL;
    return 0;
  } catch {
    return EIO;
  }
}

/** Whether the client wants to go on. */
async function negotiate(socket: Socket, take: Take, size: number): Promise<boolean> {
  for (;;) {
    const header = await take(16);
    const [option, length] = [header.readUInt32BE(8), header.readUInt32BE(12)];
    await take(length);
    const answer = (type: number, data: Buffer = Buffer.alloc(0)): void => {
      const head = Buffer.alloc(20);
      OPTION_REPLY.copy(head);
      head.writeUInt32BE(option, 8);
      head.writeUInt32BE(type, 12);
      head.writeUInt32BE(data.length, 16);
      socket.write(Buffer.concat([head, data]));
    };
    if (option === OPTION.info || option === OPTION.go) {
      // The type 0 is that of the disk's size and flags.
      const info = Buffer.alloc(12);
      info.writeBigUInt64BE(BigInt(size), 2);
      info.writeUInt16BE(DISK_FLAGS, 10);
      answer(REPLY.info, info);
    }
    if (option === OPTION.info || option === OPTION.abort) answer(REPLY.ack);
    else if (option !== OPTION.go) answer(REPLY.unsupported);
    if (option === OPTION.abort) return false;
    if (option !== OPTION.go) continue;
    answer(REPLY.ack);
    return true;
  }
}

function reply(handle: Buffer, error: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(MAGIC.reply);
  head.writeUInt32BE(error, 4);
  return Buffer.concat([head, handle]);
}

type Take = (length: number) => Promise<Buffer>;

/** Takes so many bytes from a socket at a time. */
function reader(socket: Socket): Take {
  let held: Buffer[] = [];
  let length = 0;
  let wake: () => void = () => {};
  let isOver = false;
  socket.on('data', (chunk: Buffer) => {
    held.push(chunk);
    length += chunk.length;
    wake();
  });
  socket.on('close', () => {
    isOver = true;
    wake();
  });
  return async (wanted) => {
    while (length < wanted) {
      if (isOver) throw new Error('the connection is closed');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const all = Buffer.concat(held);
    held = [all.subarray(wanted)];
    length -= wanted;
    return all.subarray(0, wanted);
  };
}
