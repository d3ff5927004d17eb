import { type BigIntStats, closeSync, constants, openSync, readSync } from 'node:fs';
import { access, type FileHandle, lstat, opendir, readlink, stat, statfs } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { isFailure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { FileStat, ReadStream, TargetReads } from './port.ts';
import {
  type Bounds,
  hashOf,
  openPlace,
  openRegular,
  openRegularOrDisk,
  readPart,
  readPieces,
  readWhole,
  unsafe,
} from './regular-file.ts';
import { resolveInRoot } from './resolve.ts';
import { walkFolder } from './walk.ts';

/** The reads of a tree of files, and what the adapter needs of them besides. */
export type FileReads = Omit<
  TargetReads,
  'toolRoot' | 'run' | 'findProgram' | 'findInside' | 'lock' | 'openStream'
> & {
  /** Opens a regular file for a program that this process starts. */
  readonly openFile: (path: string, limit: number) => Promise<FileHandle>;
};

/** The reads of a tree of files below `root`; `/` is this machine. */
export function fileReads(root: string): FileReads {
  const resolved = (path: string): Promise<string> => resolveInRoot(root, path);
  // Below / this machine's own kernel follows links like `resolveInRoot`, in one call.
  const at = root === '/' ? absolute : resolved;
  const entry = root === '/' ? absolute : (path: string) => resolveInRoot(root, path, false);
  const place = async (path: string): Promise<FileHandle> => openPlace(await at(path));
  const regular = (bounds: Bounds): Promise<FileHandle> =>
    using(
      () => place(bounds.path),
      (named) => openRegular(named, bounds),
    );
  const whole = (bounds: Bounds): Promise<Buffer> =>
    using(
      () => regular(bounds),
      (file) => readWhole(file, bounds),
    );
  // A tree's device nodes are whatever its owner made them; this machine's are read for the superblocks of its disks.
  const openForRange = root === '/' ? openRegularOrDisk : openRegular;
  return {
    hostPath: resolved,
    openFile: (path, limit) => explained(path, () => regular({ path, limit })),
    read: async (path, limit) => explained(path, () => whole({ path, limit })),
    readRange: async (path, offset, length) =>
      explained(path, () =>
        using(
          () =>
            using(
              () => place(path),
              (named) => openForRange(named, { path, limit: Number.MAX_SAFE_INTEGER }),
            ),
          (file) => readPart(file, offset, length),
        ),
      ),
    readChunks: async function* (path, limit, start = 0) {
      const bounds = { path, limit };
      const file = await explained(path, () => regular(bounds));
      try {
        yield* readPieces(file, bounds, start);
      } finally {
        await file.close();
      }
    },
    readText: async (path, limit) => {
      try {
        return (await explained(path, () => whole({ path, limit }))).toString('utf8');
      } catch (error) {
        if (isFailure(error)) throw error;
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
    hash: async (path, limit) => {
      const bounds = { path, limit };
      return explained(path, () =>
        using(
          () => regular(bounds),
          (file) => hashOf(file, bounds),
        ),
      );
    },
    stat: async (path) => statOrNothing(path, async () => stat(await at(path), { bigint: true })),
    lstat: async (path) => statOrNothing(path, async () => lstat(await entry(path), { bigint: true })),
    list: async (path) => {
      try {
        return await explained(path, async () => namesIn(path, await at(path)));
      } catch (error) {
        if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return [];
        throw error;
      }
    },
    walk: async function* (path, bounds) {
      const folder = await explained(path, () => place(path));
      try {
        yield* walkFolder(folder.fd, path, bounds);
      } finally {
        await folder.close();
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

async function using<T>(
  open: () => Promise<FileHandle>,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await open();
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/** Errors name the guest's path, not the descriptor by which it was reached. Links in a loop are E_FILE_UNSAFE. */
async function explained<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isCode(error, 'ELOOP')) throw unsafe(path, 'its links lead in a circle');
    if (error instanceof Error)
      error.message = error.message.replace(/\/proc\/self\/fd\/\d+[^']*/, () => path);
    throw error;
  }
}

async function namesIn(path: string, folder: string): Promise<readonly string[]> {
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
