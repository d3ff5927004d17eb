import * as v from 'valibot';
import type { Document } from '../../document.ts';
import { evidenceSchema, verdictSchema } from '../../driver/verdict.ts';
import { severalSchema } from '../shared/several-document.ts';

/** What `check --json` prints. */
export const checkSchema = v.strictObject({
  schema: v.literal('mptfix.check/1'),
  verdict: verdictSchema,
  /** With `fixed`: the branch was removed, or the vendor's requeue variant stands in its place. */
  how: v.exactOptional(v.picklist(['removed', 'requeue'])),
  driver: v.strictObject({
    file: v.nullable(v.string()),
    version: v.nullable(v.string()),
    module: v.nullable(v.string()),
    /** Null: not known. */
    inUse: v.nullable(v.boolean()),
  }),
  kernel: v.nullable(
    v.strictObject({ release: v.string(), base: v.nullable(v.string()), distro: v.string() }),
  ),
  evidence: v.array(evidenceSchema),
  /** Why the module and the table of kernels say different things, in words. */
  disagreement: v.exactOptional(v.string()),
  /** With `affected` and `unknown`: what to do, with the command to type in backquotes. */
  next: v.exactOptional(v.string()),
  kb: v.nullable(
    v.strictObject({
      id: v.literal('51306'),
      covered: v.boolean(),
      vendorFix: v.exactOptional(v.string()),
    }),
  ),
  /** How long I/O outlasts BUSY as the driver is now; left out where it is unbounded or not known. */
  survivalWindowSeconds: v.exactOptional(v.number()),
});
export type CheckResult = Document<typeof checkSchema>;

/** What `check --json` prints of several guests, or of all kernels of one. */
export const checksSchema = severalSchema('mptfix.checks/1', checkSchema);
