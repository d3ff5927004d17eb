import type { InitSystem } from '../../guest/init-system.ts';
import type { Survey } from '../../harden/survey.ts';

/** What `harden --json` prints. */
export interface HardenResult extends Survey {
  readonly schema: 'mptfix.harden/1';
  readonly result: 'shown' | 'planned' | 'applied' | 'undone' | 'nothing-to-do';
  readonly target: string;
  readonly init: InitSystem;
  readonly advice: readonly string[];
  /** What was or would be changed or put back, one line each. */
  readonly changes: readonly string[];
  readonly notes: readonly string[];
  /** Where all that an undo needs is kept; null where there is nothing to undo. */
  readonly undoFolder: string | null;
}
