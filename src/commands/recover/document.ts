import * as v from 'valibot';
import type { Document } from '../../document.ts';
import { recoverySchema, stepOutcomeSchema } from '../../recover/document.ts';

/** What `recover --json` prints. */
export const recoverSchema = v.strictObject({
  schema: v.literal('mptfix.recover/1'),
  /**
   * `well`: nothing to do. `advised`: the steps are listed. `recovered`: all that was wrong is writable again.
   * `by-hand`: the safe steps are done, and a person has to continue: a remount was refused, or is not enough.
   */
  result: v.picklist(['well', 'advised', 'recovered', 'by-hand']),
  target: v.string(),
  ...recoverySchema.entries,
  /** With --apply: what came of each step, by mount point. */
  outcomes: v.nullable(v.record(v.string(), v.array(stepOutcomeSchema))),
  savedLog: v.nullable(v.string()),
});
export type RecoverResult = Document<typeof recoverSchema>;
