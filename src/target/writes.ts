import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, link, mkdir, open, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Argv, FileAttributes, RunOptions, RunResult, TargetWrites } from './port.ts';
import { isCode } from './reads.ts';
import { resolveInRoot } from './resolve.ts';

type Run = (argv: Argv, options: RunOptions) => Promise<RunResult>;

/** The writes of a tree of files below `root`. Each is durable when its promise resolves. */
export function fileWrites(root: string, run: Run): TargetWrites {
  const at = (path: string): Promise<string> => resolveInRoot(root, path);
  /** A name itself, whatever it is: for removal. */
  const entry = (path: string): Promise<string> => resolveInRoot(root, path, false);
  return {
    write: async (path, content, attributes) => writeAtomically(await at(path), content, attributes ?? {}),
    copy: async (from, to) => copyAtomically(await at(from), await at(to), run),
    append: async (path, text) => {
      const file = await open(await at(path), 'a', 0o600);
      try {
        await file.appendFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
    },
    emit: async (path, text) => {
      const device = await open(await at(path), constants.O_WRONLY | constants.O_APPEND);
      try {
        await device.write(text);
      } finally {
        await device.close();
      }
    },
    create: async (path, content) => createWhole(await entry(path), content),
    mkdir: async (path, mode) => {
      const folder = await at(path);
      try {
        await mkdir(folder, { mode });
      } catch (error) {
        if (isCode(error, 'EEXIST')) return;
        throw error;
      }
      // mkdir's mode is cut by the umask; the mode that was asked for is meant.
      await chmod(folder, mode);
      await syncFolder(dirname(folder));
    },
    link: async (path, target) => {
      const name = await entry(path);
      const temporary = temporaryBeside(name);
      await symlink(target, temporary);
      await rename(temporary, name);
      await syncFolder(dirname(name));
    },
    remove: async (path) => {
      const file = await entry(path);
      await unlink(file);
      await syncFolder(dirname(file));
    },
    removeTree: async (path) => {
      const folder = await entry(path);
      await rm(folder, { recursive: true, force: true });
      await syncFolder(dirname(folder));
    },
    setMtime: async (path, mtime) => mustRun(run, ['touch', '-m', '-d', `@${mtime}`, '--', await at(path)]),
  };
}

async function writeAtomically(
  path: string,
  content: Uint8Array | string,
  want: FileAttributes,
): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      if (want.uid !== undefined && want.gid !== undefined) await file.chown(want.uid, want.gid);
      // After chown, which clears setuid bits.
      await file.chmod(want.mode ?? 0o644);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** A hard link fails where the name is taken, and shows the whole content at once where it is not. */
async function createWhole(path: string, content: string): Promise<boolean> {
  const temporary = temporaryBeside(path);
  try {
    await writeFile(temporary, content, { flag: 'wx', mode: 0o600 });
    await link(temporary, path);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * `cp` of the coreutils keeps what Node's copy would lose: nanoseconds, extended attributes, the security context.
 */
async function copyAtomically(from: string, to: string, run: Run): Promise<void> {
  const temporary = temporaryBeside(to);
  try {
    await mustRun(run, ['cp', '--no-dereference', '--preserve=all', '--', from, temporary]);
    const file = await open(temporary, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(to));
}

/** Hidden and without a module's suffix, so that neither depmod nor a person takes it for a module. */
function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.mptfix-${randomBytes(6).toString('hex')}.tmp`);
}

/** Whether a file's name is one that an unfinished write has left. */
export function isTemporaryName(name: string): boolean {
  return /^\..+\.mptfix-[0-9a-f]{12}\.tmp$/.test(name);
}

async function mustRun(run: Run, argv: Argv): Promise<void> {
  const result = await run(argv, { effect: 'write' });
  if (result.status !== 0) throw new Error(`${argv[0]} failed (${result.status}): ${result.stderr.trim()}`);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
