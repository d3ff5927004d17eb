import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readlink } from 'node:fs/promises';
import { beneath } from './beneath.ts';
import { handlePath } from './places.ts';

/** linux/fcntl.h; Node has no name for it. Such a handle names a file and opens nothing: no device, no FIFO. */
const O_PATH = 0o10000000;
/** Neither a link, nor what has taken the name meanwhile, is followed. */
const ENTRY = O_PATH | constants.O_NOFOLLOW;
const FOLDER = ENTRY | constants.O_DIRECTORY;

/** What the sandbox of a tree has in place of what the tree has. */
export interface OwnPlaces {
  /** Left out: the sandbox makes them, whatever the tree has there. */
  readonly always: ReadonlySet<string>;
  /** Empty folders, gone with the sandbox, where the tree has a folder there. */
  readonly empty: ReadonlySet<string>;
  /** The folder of the guest that is shown at `/tmp`, and at /var/tmp where the tree has a folder there: all that may be written. */
  readonly work: string;
}

/** Words for bubblewrap, which are good until they are closed. */
export interface Binds {
  readonly words: readonly string[];
  close(): Promise<void>;
}

/**
 * Shows what is directly below a tree's root, read-only, in a root that is empty: so nothing is created in a tree that
 * lacks a mount point, and no link of the tree is followed on this machine. A link is made anew with its text; devices,
 * FIFOs and sockets are left out. /var is taken apart in the same way, as the tools write to folders in it.
 *
 * Each entry is bound by a handle: whoever swaps it for a link meanwhile changes nothing.
 */
export async function treeBinds(root: string, own: OwnPlaces): Promise<Binds> {
  const handles: FileHandle[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(handles.map((handle) => handle.close()));
  };
  // Not /proc/self, which is bubblewrap's own there; and in a PID namespace with an older /proc, `process.pid` is another.
  const self = `/proc/${await readlink('/proc/self')}/fd`;
  const opened = async (path: string, flags: number): Promise<{ handle: FileHandle; name: string }> => {
    const handle = await open(path, flags);
    handles.push(handle);
    return { handle, name: `${self}/${handle.fd}` };
  };
  const below = async (folder: string, prefix: string, work: string): Promise<readonly string[]> => {
    const words: string[] = [];
    for (const entry of await readdir(folder)) {
      const place = `${prefix}/${entry}`;
      if (own.always.has(place)) continue;
      const { handle, name } = await opened(`${folder}/${entry}`, ENTRY);
      const status = await handle.stat();
      if (status.isSymbolicLink()) words.push('--symlink', await readlink(`${folder}/${entry}`), place);
      else if (status.isFile()) words.push('--ro-bind', name, place);
      else if (!status.isDirectory()) continue;
      else if (own.empty.has(place)) words.push('--tmpfs', place);
      else if (place === '/var/tmp') words.push('--bind', work, place);
      else if (place === '/var') words.push('--dir', place, ...(await below(name, place, work)));
      else words.push('--ro-bind', name, place);
    }
    return words;
  };
  try {
    const work = await beneath({ root, path: own.work, upTo: 'target' }, async ({ place, missing }) => {
      if (place === undefined) throw missing;
      return opened(`${handlePath(place)}/.`, FOLDER);
    });
    const words = await below((await opened(root, FOLDER)).name, '', work.name);
    return { words: [...words, '--bind', work.name, '/tmp'], close };
  } catch (error) {
    await close();
    throw error;
  }
}
