import { traitsOf } from './kinds.ts';
import type { Target } from './port.ts';
import { localTarget } from './tree.ts';

/**
 * The running machine whose kernel has the target's files mounted, for mount table, processes and locks: a running guest
 * itself, and for a tree the machine that mptfix runs on. Opened to read.
 */
export function kernelOf(target: Target): Target {
  return traitsOf(target).isRunning ? target : localTarget({ dryRun: true });
}
