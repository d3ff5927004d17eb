import * as v from 'valibot';
import { type Document, strict } from '../../document.ts';
import { manifestSchema } from '../../install/manifest.ts';
import { planSchema } from '../../plan/document.ts';
import { severalSchema } from '../shared/several-document.ts';

/** What `apply --json` prints. */
export const applySchema = v.strictObject({
  schema: v.literal('mptfix.apply/1'),
  result: v.picklist(['patched', 'nothing-to-do', 'planned']),
  reason: v.string(),
  /** Null with --bundle: what a bundle does was planned when it was built. */
  plan: v.nullable(planSchema),
  manifest: v.nullable(strict(manifestSchema)),
});
export type ApplyResult = Document<typeof applySchema>;

/** What `apply --json` prints of several guests. */
export const appliesSchema = severalSchema('mptfix.applies/1', applySchema);
