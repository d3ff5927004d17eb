import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { failure } from '../errors.ts';
import type { Target } from './port.ts';
import { type TargetOptions, treeTarget } from './tree.ts';

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
