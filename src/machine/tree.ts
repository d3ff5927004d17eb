import { closeSync, constants, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { beneath } from './beneath.ts';
import { isCode } from './file-errors.ts';
import { TREE_IN_SANDBOX } from './folders.ts';
import { handlePath, openPlace, sharedPath } from './places.ts';
import type { Target, TargetReads, TargetWrites } from './port.ts';
import type { RunOptions, RunResult, Sandbox } from './program.ts';
import { type FileReads, fileReads, openStream } from './reads.ts';
import { refuseTreeInUse } from './tree-processes.ts';
import { fileWrites } from './writes.ts';

export interface TargetOptions {
  readonly dryRun: boolean;
}

// Running programs takes a large package; a look of the watch, which runs none, must not have to load it.

/** The target of a tree of files at `root`, which has no symbolic link in its own path. */
export function treeTarget(
  kind: Target['kind'],
  root: string,
  name: string,
  { dryRun }: TargetOptions,
): Target {
  let unused: Promise<void> | undefined;
  const requireUnused = async (): Promise<void> => {
    if (root !== '/') await refuseTreeInUse(root, name);
  };
  const guard: Guard = async (what) => {
    if (dryRun)
      throw failure(
        'E_DRY_RUN',
        `a dry run tried to ${what}`,
        'please report this bug in mptfix; nothing was written',
      );
    // Once, before the first write: an undo must not be refused because of what was started meanwhile.
    unused ??= requireUnused();
    await unused;
  };
  const run: TargetReads['run'] = async (argv, options) => {
    if (options.effect === 'write') await guard(`run ${argv[0]}`);
    return withStandardInput(openFile, options, async (opened) => {
      if (options.inside !== undefined && root !== '/') {
        const { runInside } = await import('./inside.ts');
        return runInside(root, argv, { ...opened, inside: options.inside }, reads);
      }
      const { runProgram } = await import('./run.ts');
      if (options.sees === undefined || root === '/') return runProgram(argv, opened);
      return withTree(root, options.effect, (sandbox) => runProgram(argv, { ...opened, sandbox }));
    });
  };
  const { openFile, ...reads } = fileReads(root);
  return {
    kind,
    name,
    dryRun,
    ...reads,
    requireUnused,
    toolRoot: root === '/' ? '/' : TREE_IN_SANDBOX,
    run,
    findProgram: async (name) => (await import('./programs.ts')).findProgram(name),
    findInside: async (program) => (await import('./inside.ts')).findInside(reads, program),
    lock: async (path) => {
      const { lockFolder } = await import('./lock.ts');
      return beneath({ root, path, upTo: 'target' }, async ({ place, missing }) => {
        if (place === undefined) throw missing;
        return lockFolder(sharedPath(place), { writes: !dryRun });
      });
    },
    isLocked: async (path) => {
      const { isFolderLocked } = await import('./lock.ts');
      return reads
        .stat(path)
        .then((found) =>
          found === undefined
            ? false
            : beneath({ root, path, upTo: 'target' }, async ({ place }) =>
                place === undefined ? false : isFolderLocked(sharedPath(place)),
              ),
        );
    },
    openStream: async (path) => {
      if (kind === 'root') throw deviceOfTree(name, path);
      // A folder may stand for this machine's /.
      return openStream(root === '/' ? path : await reads.hostPath(path));
    },
    ...guarded(fileWrites(root, run), guard),
    ...(kind === 'root' ? { emit: async (path: string) => Promise.reject(deviceOfTree(name, path)) } : {}),
  };
}

/** Whatever has a device's name in a tree may lead to a disk or a terminal of this machine. */
function deviceOfTree(name: string, path: string): Error {
  return failure(
    'E_FILE_UNSAFE',
    `${path} of ${name} is not opened: devices of a tree lead to this machine`,
    'run mptfix in the running guest, without --root',
  );
}

/**
 * The tree as a sandbox shows it, by a handle: what has its name meanwhile is not it. Another user than root is in a user
 * namespace there, from which the kernel shows no other process's handles; that user gains nothing by a name either.
 */
async function withTree(
  root: string,
  effect: RunOptions['effect'],
  run: (sandbox: Sandbox) => Promise<RunResult>,
): Promise<RunResult> {
  const tree = await openPlace(root, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const isRoot = process.geteuid?.() === 0;
    const bind = { from: isRoot ? sharedPath(tree) : root, to: TREE_IN_SANDBOX };
    const binds = effect === 'read' ? { readOnly: [bind], writable: [] } : { readOnly: [], writable: [bind] };
    return await run({ ...binds, reachesAll: true });
  } finally {
    closeSync(tree);
  }
}

/** Opens `stdinFile`, a path of the target, while a program runs that reads it. */
async function withStandardInput(
  openFile: FileReads['openFile'],
  options: RunOptions,
  run: (options: RunOptions) => Promise<RunResult>,
): Promise<RunResult> {
  if (options.stdinFile === undefined) return run(options);
  const file = await openFile(options.stdinFile, LIMITS.streamBytes);
  try {
    return await run({ ...options, stdinFile: handlePath(file.fd) });
  } finally {
    await file.close();
  }
}

/** Throws where the target must not be written to; takes what was tried. */
type Guard = (what: string) => Promise<void>;

/** The writes, each refused by `guard` with what it would have done. */
function guarded(writes: TargetWrites, guard: Guard): TargetWrites {
  const after =
    <Args extends readonly unknown[], Result>(
      attempt: (...args: Args) => string,
      write: (...args: Args) => Promise<Result>,
    ) =>
    async (...args: Args): Promise<Result> => {
      await guard(attempt(...args));
      return write(...args);
    };
  return {
    write: after((path) => `write ${path}`, writes.write),
    copy: after((_, to) => `write ${to}`, writes.copy),
    copyAttributes: after((_, to) => `change ${to}`, writes.copyAttributes),
    append: after((path) => `write ${path}`, writes.append),
    emit: after((path) => `write to ${path}`, writes.emit),
    create: after((path) => `create ${path}`, writes.create),
    mkdir: after((path) => `create ${path}`, writes.mkdir),
    link: after((path) => `link ${path}`, writes.link),
    hardLink: after((_, to) => `link ${to}`, writes.hardLink),
    rename: after((from) => `rename ${from}`, writes.rename),
    sync: after((path) => `sync ${path}`, writes.sync),
    remove: after((path) => `remove ${path}`, writes.remove),
    removeTree: after((path) => `remove ${path}`, writes.removeTree),
    setMtime: after((path) => `set the time of ${path}`, writes.setMtime),
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
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    // Whoever may not look cannot tell.
    if (isCode(error, 'EACCES', 'EPERM')) throw error;
    return false;
  }
}
