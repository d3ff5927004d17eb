import * as v from 'valibot';
import type { Document } from '../../document.ts';
import { INIT_SYSTEMS } from '../../guest/init-system.ts';
import { surveySchema } from '../../harden/document.ts';

/** What `harden --json` prints. */
export const hardenSchema = v.strictObject({
  schema: v.literal('mptfix.harden/1'),
  result: v.picklist(['shown', 'planned', 'applied', 'undone', 'nothing-to-do']),
  target: v.string(),
  init: v.picklist(INIT_SYSTEMS),
  ...surveySchema.entries,
  advice: v.array(v.string()),
  /** What was or would be changed or put back, one line each. */
  changes: v.array(v.string()),
  notes: v.array(v.string()),
  /** Where all that an undo needs is kept; null where there is nothing to undo. */
  undoFolder: v.nullable(v.string()),
});
export type HardenResult = Document<typeof hardenSchema>;
