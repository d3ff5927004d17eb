import { createHash } from 'node:crypto';
import { type BigIntStats, constants, createReadStream } from 'node:fs';
import { access, lstat, open, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { FileStat, TargetReads } from './port.ts';
import { resolveInRoot } from './resolve.ts';

/** The reads of a tree of files below `root`; `/` is this machine. */
export function fileReads(root: string): Omit<TargetReads, 'run' | 'findProgram' | 'lock'> {
  const resolved = (path: string): Promise<string> => resolveInRoot(root, path);
  // This machine's own kernel follows links below / as `resolveInRoot` would, in one call.
  const at = root === '/' ? absolute : resolved;
  const entry = root === '/' ? absolute : (path: string) => resolveInRoot(root, path, false);
  return {
    hostPath: resolved,
    read: async (path) => readFile(await at(path)),
    readRange: async (path, offset, length) => readRange(await at(path), offset, length),
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

async function statOrNothing(get: () => Promise<BigIntStats>): Promise<FileStat | undefined> {
  try {
    return fileStat(await get());
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

function fileStat(status: BigIntStats): FileStat {
  const nanos = status.mtimeNs % 1_000_000_000n;
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
    mtime: `${status.mtimeNs / 1_000_000_000n}.${String(nanos).padStart(9, '0')}`,
  };
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
