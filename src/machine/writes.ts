import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, link, lstat, mkdir, open, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { defined } from '../optional.ts';
import type { Argv, FileAttributes, RunOptions, RunResult, TargetWrites } from './port.ts';
import { isCode } from './reads.ts';
import { resolveInRoot } from './resolve.ts';
import { mustRun } from './tools.ts';

type Run = (argv: Argv, options: RunOptions) => Promise<RunResult>;

/** The writes of a tree of files below `root`. Each is durable when its promise resolves. */
export function fileWrites(root: string, run: Run): TargetWrites {
  const at = (path: string): Promise<string> => resolveInRoot(root, path);
  /** The name itself, not what it leads to: for removal. */
  const entry = (path: string): Promise<string> => resolveInRoot(root, path, false);
  return {
    write: async (path, content, attributes = {}) => {
      const like = attributes.like === undefined ? undefined : await at(attributes.like);
      await writeAtomically(await at(path), content, { ...attributes, ...defined({ like }) }, run);
    },
    copy: async (from, to) => copyAtomically(await at(from), await at(to), run),
    copyAttributes: async (from, to) => copyAttributes(await at(from), await at(to), run),
    sync: async (path) => {
      const file = await at(path);
      await syncFile(file);
      await syncFile(dirname(file));
    },
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
      // The umask cuts mkdir's mode; this sets the requested one.
      await chmod(folder, mode);
      await syncFile(dirname(folder));
    },
    link: async (path, target) => {
      const name = await entry(path);
      await replace(name, (temporary) => symlink(target, temporary));
    },
    hardLink: async (from, to) => hardLinkAtomically(await at(from), await entry(to)),
    rename: async (from, to) => move(await entry(from), await entry(to)),
    remove: async (path) => {
      const file = await entry(path);
      await unlink(file);
      await syncFile(dirname(file));
    },
    removeTree: async (path) => {
      const folder = await entry(path);
      await rm(folder, { recursive: true, force: true });
      await syncFile(dirname(folder));
    },
    setMtime: async (path, mtime) =>
      mustRun({ run }, ['touch', '-m', '-d', `@${mtime}`, '--', await at(path)]),
  };
}

async function writeAtomically(
  path: string,
  content: Uint8Array | string,
  want: FileAttributes,
  run: Run,
): Promise<void> {
  await replace(path, async (temporary) => {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      if (want.like !== undefined) await copyAttributes(want.like, temporary, run);
      else if (want.uid !== undefined && want.gid !== undefined) await file.chown(want.uid, want.gid);
      // After chown, which clears setuid bits.
      if (want.like === undefined) await file.chmod(want.mode ?? 0o644);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** Creates a name beside the path and renames it to that: whoever looks sees the old or the new. */
async function replace(path: string, create: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await create(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFile(dirname(path));
}

async function copyAttributes(from: string, to: string, run: Run): Promise<void> {
  const words = ['--attributes-only', '--no-dereference', '--preserve=all', '--no-preserve=timestamps,links'];
  await mustRun({ run }, ['cp', ...words, '--', from, to]);
}

/** A hard link fails where the name is taken, and else shows the whole content at once. */
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

/** coreutils' `cp` keeps what Node's copy would lose: nanoseconds, extended attributes, the security context. */
async function copyAtomically(from: string, to: string, run: Run): Promise<void> {
  await replace(to, async (temporary) => {
    await mustRun({ run }, ['cp', '--no-dereference', '--preserve=all', '--', from, temporary]);
    await syncFile(temporary);
  });
}

/** What link(2) says where no hard link can be made. Source: link(2). */
const NO_HARD_LINK = ['EXDEV', 'EPERM', 'EMLINK', 'EOPNOTSUPP', 'ENOTSUP'];

async function hardLinkAtomically(from: string, to: string): Promise<boolean> {
  const temporary = temporaryBeside(to);
  try {
    await link(from, temporary);
  } catch (error) {
    if (NO_HARD_LINK.some((code) => isCode(error, code))) return false;
    throw error;
  }
  try {
    await rename(temporary, to);
  } finally {
    // rename(2) does nothing where both names already are of one file.
    await rm(temporary, { force: true });
  }
  await syncFile(dirname(to));
  return true;
}

async function move(from: string, to: string): Promise<void> {
  const same = from !== to && (await isOneFile(from, to));
  // rename(2) would leave both names.
  if (same) await unlink(from);
  else await rename(from, to);
  await syncFile(dirname(to));
  if (dirname(from) !== dirname(to)) await syncFile(dirname(from));
}

async function isOneFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all(
    [one, other].map((path) => lstat(path, { bigint: true }).catch(() => undefined)),
  );
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/** Hidden and without a module's suffix, so that neither depmod nor a person takes it for a module. */
function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.mptfix-${randomBytes(6).toString('hex')}.tmp`);
}

/** Whether a file's name is that of an unfinished write's leftover. */
export function isTemporaryName(name: string): boolean {
  return /^\..+\.mptfix-[0-9a-f]{12}\.tmp$/.test(name);
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
