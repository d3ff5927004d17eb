import { dirname, join, relative } from 'node:path';
import { failure } from '../errors.ts';
import { typedForGuest } from '../typed.ts';
import { traitsOf } from './kinds.ts';
import type { Target, TargetReads } from './port.ts';

/** Where every Linux keeps its kernels' modules, a folder a release. */
export const MODULES_FOLDER = '/lib/modules';
/** Where the guest's state of an installation is kept. */
export const STATE_FOLDER = '/var/lib/mptfix';

/** Where a program of this machine that works on a tree has the tree's root. */
export const TREE_IN_SANDBOX = '/guest';

/** The path of a guest's file for a program that is run with `sees: 'guest'`, with all symbolic links resolved. */
export async function toolPath(
  target: Pick<TargetReads, 'hostPath' | 'toolRoot'>,
  path: string,
): Promise<string> {
  return join(target.toolRoot, relative(await target.hostPath('/'), await target.hostPath(path)));
}

/** Where a guest's own program that runs in a tree has its work folder. */
export const INSIDE_WORK = '/tmp';

/** The path that a program which is run with `inside` has for something in its work folder. */
export function seenInside(target: Pick<Target, 'kind'>, work: string): string {
  return traitsOf(target).isRunning ? work : INSIDE_WORK;
}

/** What has to be created so that a folder is there, the topmost first. */
export async function missingFolders(
  target: Pick<TargetReads, 'stat'>,
  folder: string,
): Promise<readonly string[]> {
  if ((await target.stat(folder)) !== undefined) return [];
  return [...(await missingFolders(target, dirname(folder))), folder];
}

/** Creates a folder and what is missing above it. Returns what it created, so that an undo can remove exactly that. */
export async function makeFolders(target: Target, folder: string, mode = 0o755): Promise<readonly string[]> {
  const missing = await missingFolders(target, folder);
  for (const path of missing) await target.mkdir(path, mode);
  return missing;
}

/** The folder itself, or the nearest one above it that is there. */
export async function nearestFolder(target: Pick<TargetReads, 'stat'>, path: string): Promise<string> {
  const parent = dirname(path);
  if (parent === path || (await target.stat(path)) !== undefined) return path;
  return nearestFolder(target, parent);
}

/**
 * Throws E_STATE_UNSAFE where one of the state's folders, the topmost first, is a link, belongs to another user or is
 * writable for others: an undo must not trust what others could have written.
 */
export async function requirePrivate(
  target: Pick<Target, 'lstat' | 'kind'>,
  folders: readonly string[],
): Promise<void> {
  for (const path of folders) {
    const status = await target.lstat(path);
    if (status === undefined) return;
    // A user of this machine is nobody on a guest over ssh, whatever the number.
    const isOurs = traitsOf(target).hasOurTools && status.uid === process.geteuid?.();
    const mine = status.uid === 0 || isOurs;
    if (status.type === 'directory' && mine && (status.mode & 0o022) === 0) continue;
    throw failure(
      'E_STATE_UNSAFE',
      `${path} is a link, or somebody else’s, or writable for others`,
      `check what is in it, then ${typedForGuest(['chown', '-R', 'root:', STATE_FOLDER], ['chmod', '700', STATE_FOLDER])}`,
    );
  }
}
