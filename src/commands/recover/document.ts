import type { StepOutcome } from '../../recover/apply.ts';
import type { Recovery } from '../../recover/report.ts';

/** What `recover --json` prints. */
export interface RecoverResult extends Recovery {
  readonly schema: 'mptfix.recover/1';
  /**
   * `well`: nothing to do. `advised`: the steps are listed. `recovered`: all that was wrong is writable again.
   * `by-hand`: the safe steps are done, and a person has to continue: a remount was refused, or is not enough.
   */
  readonly result: 'well' | 'advised' | 'recovered' | 'by-hand';
  readonly target: string;
  /** With --apply: what came of each step, by mount point. */
  readonly outcomes: Readonly<Record<string, readonly StepOutcome[]>> | null;
  readonly savedLog: string | null;
}
