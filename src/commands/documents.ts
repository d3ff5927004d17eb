import { errorSchema } from '../ui/failure-document.ts';
import { diagnoseSchema } from './diagnose/document.ts';
import { recoverSchema } from './recover/document.ts';
import { scheduleSchema, testMailSchema, watchChangeSchema, watchSchema } from './watch/document.ts';

/**
 * The schema of every document that mptfix prints with `--json`. `npm run schemas` writes them to schemas/ as JSON
 * Schema, and the tests hold every document that a run prints against its own, which its field `schema` names.
 */
export const DOCUMENTS = [
  errorSchema,
  diagnoseSchema,
  recoverSchema,
  watchSchema,
  watchChangeSchema,
  testMailSchema,
  scheduleSchema,
] as const;
