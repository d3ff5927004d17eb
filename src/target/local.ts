import type { Target } from './port.ts';
import { type TargetOptions, treeTarget } from './tree.ts';

/** This machine. */
export function localTarget(options: TargetOptions): Target {
  return treeTarget('local', '/', 'this machine', options);
}
