import * as v from 'valibot';
import type { Document } from '../../document.ts';
import { severalSchema } from '../shared/several-document.ts';

/** What `rollback --json` prints. */
export const rollbackSchema = v.strictObject({
  schema: v.literal('mptfix.rollback/1'),
  result: v.picklist(['rolled-back', 'nothing-to-do', 'planned']),
  reason: v.string(),
  kernel: v.string(),
  /** The newest generation that is undone, and all of them in their order. */
  generation: v.nullable(v.number()),
  generations: v.array(v.number()),
  /** The module as it is afterwards. */
  module: v.nullable(v.strictObject({ path: v.string(), sha256: v.string() })),
  index: v.nullable(v.picklist(['restored', 'index rebuilt'])),
  images: v.array(v.strictObject({ path: v.string(), how: v.picklist(['restored', 'rebuilt', 'left']) })),
  /** Files that something else has changed since, and that were left. */
  left: v.array(v.string()),
  /** What remains to be done by a person, a line each: run lilo. */
  warnings: v.array(v.string()),
});
export type RollbackResult = Document<typeof rollbackSchema>;

/** What `rollback --json` prints of several guests. */
export const rollbacksSchema = severalSchema('mptfix.rollbacks/1', rollbackSchema);
