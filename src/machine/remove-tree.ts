import { closeSync, constants } from 'node:fs';
import { readFile, rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LIMITS } from '../limits.ts';
import { isCode, unsafe } from './file-errors.ts';
import { FOLDER_ITSELF, handlePath, openPlace } from './places.ts';
import { namesIn } from './reads.ts';

/**
 * Removes what has a name, and, if it is a folder, all that is in it: each folder by its own descriptor, so that none
 * that another process replaces by a link leads out. Nothing is done where there is nothing. What is mounted in it stays,
 * and is E_FILE_UNSAFE. `path` is for messages.
 */
export async function removeTreeAt(name: string, path: string): Promise<void> {
  const folder = await openPlace(dirname(name), constants.O_DIRECTORY);
  try {
    await removeAt(name, path, { depth: 0, mount: await mountIdOf(folder) });
  } finally {
    closeSync(folder);
  }
}

interface Above {
  readonly depth: number;
  /** The mount that the folder above is on. */
  readonly mount: string | undefined;
}

async function removeAt(name: string, path: string, { depth, mount }: Above): Promise<void> {
  try {
    await unlink(name);
    return;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    // A folder: EISDIR of Linux, EPERM of POSIX.
    if (!isCode(error, 'EISDIR', 'EPERM')) throw error;
  }
  if (depth > LIMITS.folderDepth) throw unsafe(path, 'its folders are nested too deep');
  const folder = await openPlace(name, FOLDER_ITSELF);
  try {
    const own = await mountIdOf(folder);
    if (own !== mount) throw unsafe(path, 'something is mounted there');
    const inside = handlePath(folder);
    for (const entry of await namesIn(inside, path))
      await removeAt(`${inside}/${entry}`, `${path}/${entry}`, { depth: depth + 1, mount: own });
  } finally {
    closeSync(folder);
  }
  await rmdir(name);
}

/** A bind mount has the device number of what it shows, so only this tells them apart. Source: proc_pid_fdinfo(5). */
async function mountIdOf(descriptor: number): Promise<string | undefined> {
  const text = await readFile(`/proc/self/fdinfo/${descriptor}`, 'utf8');
  return /^mnt_id:\s*(\d+)$/m.exec(text)?.[1];
}
