import type { ArchiveOptions } from '../../build-options.ts';
import type { Progress } from '../../progress.ts';
import type { FoundRpm } from './package.ts';

/** Where RPMs are. */
export interface RpmArchive {
  /** As the user named it. */
  readonly name: string;
  /** Every version of the packages of these names, source RPMs too. */
  find(names: readonly string[]): Promise<readonly FoundRpm[]>;
  /** Copies one to a path below the workspace's `own`. Throws E_FETCH. */
  fetch(found: FoundRpm, to: string, progress: Progress): Promise<void>;
}

export interface RpmOpening {
  readonly archives: Pick<ArchiveOptions, 'mirrors'>;
  /** Whether fetched files stay on this machine for the next run, also what came before an interruption. */
  readonly keeps: boolean;
  readonly signal: AbortSignal | undefined;
}
