import type { Target } from '../../machine/port.ts';
import { localTarget, rootTarget } from '../../machine/tree.ts';

/** Runs a command's action, which answers the exit status; the signal asks it to put things back and end. */
export type Run = (act: (signal: AbortSignal) => Promise<number>) => Promise<void>;

/** What every command has that looks at a guest. */
export interface CommonOptions {
  readonly root?: string | undefined;
  readonly kernel?: string | undefined;
  readonly json: boolean;
  readonly verbose: boolean;
}

export interface MutatingOptions {
  readonly yes: boolean;
  readonly dryRun: boolean;
}

/** The guest that the target options name. */
export function openTarget(options: Pick<CommonOptions, 'root'>, dryRun: boolean): Target {
  return options.root === undefined ? localTarget({ dryRun }) : rootTarget(options.root, { dryRun });
}
