import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { failure } from '../errors.ts';
import type { RunOptions, Target, TargetReads, TargetWrites } from './port.ts';
import { fileReads, openStream } from './reads.ts';
import { resolveInRoot } from './resolve.ts';
import { fileWrites } from './writes.ts';

export interface TargetOptions {
  readonly dryRun: boolean;
}

// Programs are run through a large package, which a look that runs none shall not have to load.

/** The target of a tree of files at `root`, which has no symbolic link in its own path. */
export function treeTarget(
  kind: Target['kind'],
  root: string,
  name: string,
  { dryRun }: TargetOptions,
): Target {
  const guard = (what: string): void => {
    if (dryRun)
      throw failure(
        'E_DRY_RUN',
        `a dry run tried to ${what}`,
        'please report this bug in mptfix; nothing was written',
      );
  };
  const run: TargetReads['run'] = async (argv, options) => {
    if (options.effect === 'write') guard(`run ${argv[0]}`);
    const translated = await onHost(root, options);
    if (options.inside === true && root !== '/') {
      const { runInside } = await import('./inside.ts');
      return runInside(root, argv, translated, reads);
    }
    const { runProgram } = await import('./run.ts');
    return runProgram(argv, translated);
  };
  const reads = fileReads(root);
  return {
    kind,
    name,
    dryRun,
    ...reads,
    run,
    findProgram: async (name) => (await import('./run.ts')).findProgram(name),
    findInside: async (program) => (await import('./inside.ts')).findInside(reads, program),
    lock: async (path) => (await import('./lock.ts')).lockFolder(await resolveInRoot(root, path)),
    openStream: async (path) => openStream(await resolveInRoot(root, path)),
    ...guarded(fileWrites(root, run), guard),
  };
}

/** `stdinFile` is a path of the target; the program's own arguments are the caller's to translate. */
async function onHost(root: string, options: RunOptions): Promise<RunOptions> {
  if (options.stdinFile === undefined) return options;
  return { ...options, stdinFile: await resolveInRoot(root, options.stdinFile) };
}

function guarded(writes: TargetWrites, guard: (what: string) => void): TargetWrites {
  return {
    write: async (path, content, attributes) => {
      guard(`write ${path}`);
      await writes.write(path, content, attributes);
    },
    copy: async (from, to) => {
      guard(`write ${to}`);
      await writes.copy(from, to);
    },
    copyAttributes: async (from, to) => {
      guard(`change ${to}`);
      await writes.copyAttributes(from, to);
    },
    append: async (path, text) => {
      guard(`write ${path}`);
      await writes.append(path, text);
    },
    emit: async (path, text) => {
      guard(`write to ${path}`);
      await writes.emit(path, text);
    },
    create: async (path, content) => {
      guard(`make ${path}`);
      return writes.create(path, content);
    },
    mkdir: async (path, mode) => {
      guard(`make ${path}`);
      await writes.mkdir(path, mode);
    },
    link: async (path, target) => {
      guard(`link ${path}`);
      await writes.link(path, target);
    },
    hardLink: async (from, to) => {
      guard(`link ${to}`);
      return writes.hardLink(from, to);
    },
    rename: async (from, to) => {
      guard(`rename ${from}`);
      await writes.rename(from, to);
    },
    sync: async (path) => {
      guard(`sync ${path}`);
      await writes.sync(path);
    },
    remove: async (path) => {
      guard(`remove ${path}`);
      await writes.remove(path);
    },
    removeTree: async (path) => {
      guard(`remove ${path}`);
      await writes.removeTree(path);
    },
    setMtime: async (path, mtime) => {
      guard(`set the time of ${path}`);
      await writes.setMtime(path, mtime);
    },
  };
}

/** This machine. */
export function localTarget(options: TargetOptions): Target {
  return treeTarget('local', '/', 'this machine', options);
}

/** A guest's tree: a mounted image, a chroot. Throws E_TARGET_MISSING where there is no such folder. */
export function rootTarget(root: string, options: TargetOptions): Target {
  const folder = resolve(root);
  if (!isFolder(folder)) {
    throw failure(
      'E_TARGET_MISSING',
      `there is no folder ${folder}`,
      'give --root the folder that holds the guest’s / (mount its image first)',
    );
  }
  return treeTarget('root', realpathSync(folder), folder, options);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
