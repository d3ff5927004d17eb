import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { localTarget } from '../machine/tree.ts';

/**
 * The machine whose configuration, channels and /run the watch uses. A tree may come from anybody: a program, an address
 * or a device that it names is never used, so of a tree it is the machine that mptfix runs on.
 */
export function machineOf(target: Target): Target {
  return traitsOf(target).isHere ? target : localTarget({ dryRun: target.dryRun });
}
