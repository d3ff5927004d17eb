import { constants } from 'node:fs';
import { type FileHandle, open, symlink, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { beneath, type Found } from './beneath.ts';
import {
  createWhole,
  hardLinkAtomically,
  makeFolder,
  move,
  openToAppend,
  replace,
  syncFile,
  writeAtomically,
} from './durable.ts';
import { explained, unsafe } from './file-errors.ts';
import { handlePath, sharedPath, statDescriptor } from './places.ts';
import type { FileAttributes, TargetWrites } from './port.ts';
import type { Argv, RunOptions, RunResult } from './program.ts';
import { removeTreeAt } from './remove-tree.ts';
import { mustRun } from './tools.ts';

type Run = (argv: Argv, options: RunOptions) => Promise<RunResult>;

/**
 * The writes of a tree of files below `root`. Each is durable when its promise resolves. Names are written in the folder
 * that a descriptor holds (`/proc/self/fd/N/name`), so that a folder that another process replaces by a link leads
 * nowhere else; and no file that is written to is reached through a link in its own name.
 */
export function fileWrites(root: string, run: Run): TargetWrites {
  /** What the path leads to: for writing it anew, with links followed. */
  const at = <T>(path: string, use: (name: string, found: Found) => Promise<T>): Promise<T> =>
    explained(path, () => beneath({ root, path, upTo: 'target' }, async (found) => use(found.name(), found)));
  /** The name itself, not what it leads to: for removal. */
  const entry = <T>(path: string, use: (name: string) => Promise<T>): Promise<T> =>
    explained(path, () => beneath({ root, path, upTo: 'name' }, async (found) => use(found.name())));
  /** The regular file that the path leads to, as a path for a program that this process starts. */
  const regular = <T>(path: string, use: (shared: string) => Promise<T>): Promise<T> =>
    at(path, async (_, { place, missing }) => {
      if (place === undefined) throw missing;
      if (!(await statDescriptor(place)).isFile()) throw unsafe(path, 'it is not a file');
      return use(sharedPath(place));
    });
  return {
    write: (path, content, attributes = {}) =>
      at(path, async (name) => {
        const { like } = attributes;
        if (like === undefined) return writeAtomically(name, content, (file) => dress(file, attributes));
        return regular(like, (from) =>
          writeAtomically(name, content, (file) => copyAttributes(from, sharedPath(file.fd), run)),
        );
      }),
    copy: (from, to) =>
      regular(from, (shared) =>
        at(to, (name) =>
          writeAtomically(name, '', (file) =>
            mustRun({ run }, ['cp', '--preserve=all', '--', shared, sharedPath(file.fd)]),
          ),
        ),
      ),
    copyAttributes: (from, to) =>
      regular(from, (source) => regular(to, (dressed) => copyAttributes(source, dressed, run))),
    sync: (path) =>
      at(path, async (name, { place, missing }) => {
        if (place === undefined) throw missing;
        await syncFile(handlePath(place));
        await syncFile(dirname(name));
      }),
    append: (path, text) =>
      at(path, async (name) => {
        const file = await openToAppend(name, path);
        try {
          await file.appendFile(text);
          await file.sync();
        } finally {
          await file.close();
        }
      }),
    emit: (path, text) =>
      at(path, async (name) => {
        const device = await open(name, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
        try {
          await device.write(text);
        } finally {
          await device.close();
        }
      }),
    create: (path, content) => entry(path, (name) => createWhole(name, content)),
    mkdir: (path, mode) => at(path, (name) => makeFolder(name, mode)),
    link: (path, target) => entry(path, (name) => replace(name, (temporary) => symlink(target, temporary))),
    hardLink: (from, to) => at(from, (source) => entry(to, (name) => hardLinkAtomically(source, name))),
    rename: (from, to) => entry(from, (source) => entry(to, (name) => move(source, name))),
    remove: (path) =>
      entry(path, async (name) => {
        await unlink(name);
        await syncFile(dirname(name));
      }),
    removeTree: (path) =>
      entry(path, async (name) => {
        await removeTreeAt(name, path);
        await syncFile(dirname(name));
      }),
    setMtime: (path, mtime) =>
      at(path, async (_, { place, missing }) => {
        if (place === undefined) throw missing;
        // --no-create: touch would open what is there for writing.
        await mustRun({ run }, ['touch', '--no-create', '-m', '-d', `@${mtime}`, '--', sharedPath(place)]);
      }),
  };
}

async function dress(file: FileHandle, { uid, gid, mode }: FileAttributes): Promise<void> {
  if (uid !== undefined && gid !== undefined) await file.chown(uid, gid);
  // After chown, which clears setuid bits.
  await file.chmod(mode ?? 0o644);
}

/** coreutils' `cp` keeps what Node's copy would lose: nanoseconds, extended attributes, the security context. */
async function copyAttributes(from: string, to: string, run: Run): Promise<void> {
  const words = ['--attributes-only', '--preserve=all', '--no-preserve=timestamps,links'];
  await mustRun({ run }, ['cp', ...words, '--', from, to]);
}
