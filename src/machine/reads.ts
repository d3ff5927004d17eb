import { type BigIntStats, closeSync, constants, openSync, readSync } from 'node:fs';
import { access, type FileHandle, lstat, opendir, readlink, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isFailure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { beneath } from './beneath.ts';
import { explained, isCode, unsafe } from './file-errors.ts';
import { handlePath, openPlace } from './places.ts';
import type { FileStat, ReadStream, TargetReads } from './port.ts';
import { reachOf } from './reach.ts';
import {
  type Bounds,
  hashOf,
  openRegular,
  openRegularOrDisk,
  readPart,
  readPieces,
  readWhole,
} from './regular-file.ts';
import { walkFolder } from './walk.ts';

/** The reads of a tree of files, and what the adapter needs of them besides. */
export type FileReads = Omit<
  TargetReads,
  'toolRoot' | 'requireUnused' | 'run' | 'findProgram' | 'findInside' | 'isLocked' | 'lock' | 'openStream'
> & {
  /** Opens a regular file for a program that this process starts. */
  readonly openFile: (path: string, limit: number) => Promise<FileHandle>;
};

/** Without a slash at its end: it is compared with what the kernel says in /proc. */
function hostPathOf(root: string, path: string): string {
  return path === '/' ? root : join(root, path);
}

/** The reads of a tree of files below `root`; `/` is this machine. */
export function fileReads(root: string): FileReads {
  const reach = reachOf(root);
  const regular = (path: string, limit: number): Promise<FileHandle> =>
    explained(path, () => reach.place(path, (place) => openRegular(place, { path, limit })));
  const reading = async <T>(
    path: string,
    limit: number,
    read: (file: FileHandle, bounds: Bounds) => Promise<T>,
  ): Promise<T> =>
    explained(path, async () => closing(await regular(path, limit), (file) => read(file, { path, limit })));
  // A tree's device nodes are whatever its owner made them; this machine's are read for the superblocks of its disks.
  const openForRange = root === '/' ? openRegularOrDisk : openRegular;
  const anySize = Number.MAX_SAFE_INTEGER;
  const realPath = (path: string): Promise<string> =>
    beneath({ root, path, upTo: 'target' }, async (found) => found.path);
  return {
    realPath,
    hostPath: async (path) => hostPathOf(root, await realPath(path)),
    openFile: regular,
    read: (path, limit) => reading(path, limit, readWhole),
    readRange: async (path, offset, length) => {
      const file = await explained(path, () =>
        reach.place(path, (place) => openForRange(place, { path, limit: anySize })),
      );
      return closing(file, () => readPart(file, offset, length));
    },
    readChunks: async function* (path, limit, start = 0) {
      const file = await regular(path, limit);
      try {
        yield* readPieces(file, { path, limit }, start);
      } finally {
        await file.close();
      }
    },
    readText: async (path, limit) => {
      try {
        return (await reading(path, limit, readWhole)).toString('utf8');
      } catch (error) {
        if (isFailure(error)) throw error;
        return undefined;
      }
    },
    readLink: async (path) => {
      try {
        return await reach.name(path, (name) => readlink(name));
      } catch {
        return undefined;
      }
    },
    hash: (path, limit) => reading(path, limit, hashOf),
    stat: (path) => statOrNothing(path, () => reach.target(path, (found) => stat(found, { bigint: true }))),
    lstat: (path) => statOrNothing(path, () => reach.name(path, (name) => lstat(name, { bigint: true }))),
    list: async (path) => {
      try {
        return await explained(path, () => reach.target(path, (folder) => namesIn(folder, path)));
      } catch (error) {
        if (isCode(error, 'ENOENT', 'ENOTDIR')) return [];
        throw error;
      }
    },
    walk: async function* (path, bounds) {
      const folder = await explained(path, () =>
        reach.place(path, async (place) => openPlace(`${handlePath(place)}/.`)),
      );
      try {
        yield* walkFolder(folder, path, bounds);
      } finally {
        closeSync(folder);
      }
    },
    writable: (path) => writable(() => reach.target(path, (folder) => access(folder, W_X))),
    freeSpace: (path) =>
      beneath({ root, path, upTo: 'target' }, async ({ nearest }) => freeSpace(handlePath(nearest))),
  };
}

async function closing<T>(file: FileHandle, use: (file: FileHandle) => Promise<T>): Promise<T> {
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Names in a folder, sorted. Throws E_FILE_UNSAFE for far too many. `path` is for messages. */
export async function namesIn(folder: string, path: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of await opendir(folder, { bufferSize: 256 })) {
    names.push(name);
    if (names.length > LIMITS.folderEntries)
      throw unsafe(path, `the folder has more than ${LIMITS.folderEntries} names`);
  }
  return names.sort();
}

async function statOrNothing(path: string, get: () => Promise<BigIntStats>): Promise<FileStat | undefined> {
  try {
    return fileStat(await explained(path, get));
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
  const { bsize, bfree, bavail } = await statfs(path, { bigint: true });
  // Only root may use the blocks that a file system reserves.
  return Number(bsize * (process.geteuid?.() === 0 ? bfree : bavail));
}

/** The two parts of a device number as makedev(3) of glibc packs it. */
export function majorMinor(device: bigint): readonly [bigint, bigint] {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return [major, minor];
}

const W_X = constants.W_OK | constants.X_OK;

async function writable(ask: () => Promise<void>): Promise<'yes' | 'read-only' | 'denied' | 'missing'> {
  try {
    await ask();
    return 'yes';
  } catch (error) {
    if (isFailure(error)) throw error;
    if (isCode(error, 'EROFS')) return 'read-only';
    return isCode(error, 'ENOENT', 'ENOTDIR') ? 'missing' : 'denied';
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
