import { planSchema } from '../plan/document.ts';
import { statusSchema } from '../status/document.ts';
import { errorSchema } from '../ui/failure-document.ts';
import { scheduleSchema, testMailSchema, watchChangeSchema, watchSchema } from '../watch/document.ts';
import { appliesSchema, applySchema } from './apply/document.ts';
import { buildSchema } from './build/document.ts';
import { checkSchema, checksSchema } from './check/document.ts';
import { demoSchema } from './demo/document.ts';
import { diagnoseSchema, diagnosesSchema } from './diagnose/document.ts';
import { hardenSchema } from './harden/document.ts';
import { recoverSchema } from './recover/document.ts';
import { rollbackSchema, rollbacksSchema } from './rollback/document.ts';
import { statusesSchema } from './status/document.ts';
import { verifySchema } from './verify/document.ts';

/**
 * The schema of every document that mptfix prints with `--json`. `npm run schemas` writes them to schemas/ as JSON
 * Schema, and the tests hold every document that a run prints against its own, which its field `schema` names.
 */
export const DOCUMENTS = [
  errorSchema,
  checkSchema,
  checksSchema,
  planSchema,
  applySchema,
  appliesSchema,
  buildSchema,
  statusSchema,
  statusesSchema,
  rollbackSchema,
  rollbacksSchema,
  watchSchema,
  watchChangeSchema,
  testMailSchema,
  scheduleSchema,
  recoverSchema,
  hardenSchema,
  diagnoseSchema,
  diagnosesSchema,
  demoSchema,
  verifySchema,
] as const;
