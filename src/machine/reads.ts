import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, createReadStream, openSync, readSync } from 'node:fs';
import { access, lstat, open, readdir, readFile, readlink, stat, statfs } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { FileStat, ReadStream, TargetReads } from './port.ts';
import { resolveInRoot } from './resolve.ts';

/** The reads of a tree of files below `root`; `/` is this machine. */
export function fileReads(
  root: string,
): Omit<TargetReads, 'run' | 'findProgram' | 'findInside' | 'lock' | 'openStream'> {
  const resolved = (path: string): Promise<string> => resolveInRoot(root, path);
  // Below / this machine's own kernel follows links like `resolveInRoot`, in one call.
  const at = root === '/' ? absolute : resolved;
  const entry = root === '/' ? absolute : (path: string) => resolveInRoot(root, path, false);
  return {
    hostPath: resolved,
    read: async (path) => readFile(await at(path)),
    readRange: async (path, offset, length) => readRange(await at(path), offset, length),
    readChunks: (path) => readChunks(() => at(path)),
    readText: async (path) => {
      try {
        return await readFile(await at(path), 'utf8');
      } catch {
        return undefined;
      }
    },
    readLink: async (path) => {
      try {
        return await readlink(await entry(path));
      } catch {
        return undefined;
      }
    },
    hash: async (path) => {
      const digest = createHash('sha256');
      await pipeline(createReadStream(await at(path)), digest);
      return digest.digest('hex');
    },
    stat: async (path) => statOrNothing(async () => stat(await at(path), { bigint: true })),
    lstat: async (path) => statOrNothing(async () => lstat(await entry(path), { bigint: true })),
    list: async (path) => {
      try {
        return (await readdir(await at(path))).sort();
      } catch (error) {
        if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return [];
        throw error;
      }
    },
    writable: async (path) => writable(await at(path)),
    freeSpace: async (path) => freeSpace(await at(path)),
  };
}

async function absolute(path: string): Promise<string> {
  if (!isAbsolute(path)) throw new Error(`not an absolute path: ${path}`);
  return path;
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function readRange(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await file.close();
  }
}

const CHUNK_BYTES = 512 * 1024;

/** Reads the next piece while the caller works on the last, into two buffers by turns. */
async function* readChunks(resolved: () => Promise<string>): AsyncGenerator<Buffer> {
  const file = await open(await resolved(), 'r');
  const buffers = [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)] as const;
  const read = (buffer: Buffer) => file.read(buffer, 0, buffer.length, null);
  let pending = read(buffers[0]);
  try {
    for (let turn = 1; ; turn += 1) {
      const { bytesRead, buffer } = await pending;
      if (bytesRead === 0) return;
      pending = read(turn % 2 === 0 ? buffers[0] : buffers[1]);
      // Where the caller stops early nobody awaits this one.
      pending.catch(() => {});
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await pending.catch(() => {});
    await file.close();
  }
}

async function statOrNothing(get: () => Promise<BigIntStats>): Promise<FileStat | undefined> {
  try {
    return fileStat(await get());
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

function fileStat(status: BigIntStats): FileStat {
  return {
    type: status.isFile()
      ? 'file'
      : status.isDirectory()
        ? 'directory'
        : status.isSymbolicLink()
          ? 'link'
          : 'other',
    size: Number(status.size),
    mode: Number(status.mode & 0o7777n),
    uid: Number(status.uid),
    gid: Number(status.gid),
    mtime: inSeconds(status.mtimeNs),
    ...(status.isBlockDevice() || status.isCharacterDevice()
      ? { rdev: majorMinor(status.rdev).join(':') }
      : {}),
  };
}

/** Before 1970 the sign applies to both parts: -0.5 is half a second before. */
function inSeconds(nanoseconds: bigint): string {
  const digits = String(nanoseconds < 0n ? -nanoseconds : nanoseconds).padStart(10, '0');
  return `${nanoseconds < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

async function freeSpace(path: string): Promise<number> {
  try {
    const { bsize, bfree, bavail } = await statfs(path, { bigint: true });
    // Only root may use the blocks that a file system reserves.
    return Number(bsize * (process.geteuid?.() === 0 ? bfree : bavail));
  } catch (error) {
    if (path === '/' || !(isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR'))) throw error;
    return freeSpace(dirname(path));
  }
}

/** The two parts of a device number as makedev(3) of glibc packs it. */
export function majorMinor(device: bigint): readonly [bigint, bigint] {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return [major, minor];
}

async function writable(path: string): Promise<'yes' | 'read-only' | 'denied' | 'missing'> {
  try {
    await access(path, constants.W_OK | constants.X_OK);
    return 'yes';
  } catch (error) {
    if (isCode(error, 'EROFS')) return 'read-only';
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return 'missing';
    return 'denied';
  }
}

/** As the kernel's own largest record, CONSOLE_EXT_LOG_MAX; a smaller buffer gets EINVAL. */
const RECORD_BYTES = 8192;
/** /dev/kmsg says so where records were overwritten before they were read: the next read continues after them. */
const OVERWRITTEN = 'EPIPE';

/** Reads are synchronous: each takes a microsecond, and a file without an end must not keep a thread. */
export function openStream(path: string): ReadStream {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.allocUnsafe(RECORD_BYTES);
  const read = (): Buffer | undefined => {
    for (;;) {
      try {
        const length = readSync(descriptor, buffer);
        return length === 0 ? undefined : buffer.subarray(0, length);
      } catch (error) {
        if (isCode(error, OVERWRITTEN)) continue;
        if (isCode(error, 'EAGAIN')) return undefined;
        throw error;
      }
    }
  };
  return { read, close: () => closeSync(descriptor) };
}
