import { closeSync, constants } from 'node:fs';
import { chmod, type FileHandle, link, lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isCode, unsafe } from './file-errors.ts';
import { FOLDER_ITSELF, handlePath, openPlace } from './places.ts';

/**
 * Changes of one name in its folder, each on the disk when its promise resolves. The names are those of beneath.ts, such
 * as `/proc/self/fd/7/name`: their folder is the descriptor's, and none of these steps follows a link in the last place.
 */

/** Writes a temporary file, gives it its attributes, and renames it. */
export async function writeAtomically(
  name: string,
  content: Uint8Array | string,
  complete: (file: FileHandle) => Promise<void>,
): Promise<void> {
  await replace(name, async (temporary) => {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await complete(file);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** Creates a name beside another and renames it to that: whoever looks sees the old or the new. */
export async function replace(name: string, create: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryBeside(name);
  try {
    await create(temporary);
    await rename(temporary, name);
  } catch (error) {
    await unlinkIfThere(temporary);
    throw error;
  }
  await syncFile(dirname(name));
}

async function unlinkIfThere(name: string): Promise<void> {
  try {
    await unlink(name);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}

/** Never waits for the reader of a FIFO, and adds to files alone. */
export async function openToAppend(name: string, path: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
  const file = await open(name, flags | constants.O_NOFOLLOW | constants.O_NOCTTY, 0o600).catch((error) => {
    // A FIFO without a reader, a socket.
    throw isCode(error, 'ENXIO') ? unsafe(path, 'it is not a file') : error;
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw unsafe(path, 'it is not a file');
}

export async function makeFolder(name: string, mode: number): Promise<void> {
  try {
    await mkdir(name, { mode });
  } catch (error) {
    if (isCode(error, 'EEXIST')) return;
    throw error;
  }
  const folder = await openPlace(name, FOLDER_ITSELF);
  try {
    // The umask cuts mkdir's mode; this sets the requested one.
    await chmod(handlePath(folder), mode);
  } finally {
    closeSync(folder);
  }
  await syncFile(dirname(name));
}

/** A hard link fails where the name is taken, and else shows the whole content at once. */
export async function createWhole(name: string, content: string): Promise<boolean> {
  const temporary = temporaryBeside(name);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
    } finally {
      await file.close();
    }
    await link(temporary, name);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await unlinkIfThere(temporary);
  }
}

/** What link(2) says where no hard link can be made. Source: link(2). */
const NO_HARD_LINK = ['EXDEV', 'EPERM', 'EMLINK', 'EOPNOTSUPP', 'ENOTSUP'];

export async function hardLinkAtomically(from: string, to: string): Promise<boolean> {
  const temporary = temporaryBeside(to);
  try {
    await link(from, temporary);
  } catch (error) {
    if (isCode(error, ...NO_HARD_LINK)) return false;
    throw error;
  }
  try {
    await rename(temporary, to);
  } finally {
    // rename(2) does nothing where both names already are of one file.
    await unlinkIfThere(temporary);
  }
  await syncFile(dirname(to));
  return true;
}

export async function move(from: string, to: string): Promise<void> {
  const sameFolder = await isOneFile(`${dirname(from)}/.`, `${dirname(to)}/.`);
  const sameName = sameFolder && basename(from) === basename(to);
  // rename(2) would leave both names of one file; a single name it leaves as it is.
  if (!sameName && (await isOneFile(from, to))) await unlink(from);
  else await rename(from, to);
  await syncFile(dirname(to));
  if (!sameFolder) await syncFile(dirname(from));
}

async function isOneFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all(
    [one, other].map((name) => lstat(name, { bigint: true }).catch(() => undefined)),
  );
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/**
 * Hidden and without a module's suffix, so that neither depmod nor a person takes it for a module. Nobody has to be kept
 * from guessing it: whatever creates it fails where it is taken, and follows no link.
 */
function temporaryBeside(path: string): string {
  // node:crypto takes a sixth of the time that a look of the watch has.
  const random = Math.floor(Math.random() * 2 ** 48).toString(16);
  return join(dirname(path), `.${basename(path)}.mptfix-${random.padStart(12, '0')}.tmp`);
}

/** Whether a file's name is that of an unfinished write's leftover. */
export function isTemporaryName(name: string): boolean {
  return /^\..+\.mptfix-[0-9a-f]{12}\.tmp$/.test(name);
}

/** Waits for the disk. Opens files and folders alone, and no link in the last place unless it is a descriptor's. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
