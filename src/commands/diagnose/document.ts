import * as v from 'valibot';
import { diagnosisSchema } from '../../diagnose/incident.ts';
import type { Document } from '../../document.ts';
import { severalSchema } from '../shared/several-document.ts';

/** What `diagnose --json` prints. */
export const diagnoseSchema = v.strictObject({
  schema: v.literal('mptfix.diagnose/1'),
  /** The machine whose logs were read; null where files were given. */
  target: v.nullable(v.string()),
  ...diagnosisSchema.entries,
});
export type DiagnoseResult = Document<typeof diagnoseSchema>;

/** What `diagnose --json` prints of several guests, and with `--summary`. */
export const diagnosesSchema = severalSchema('mptfix.diagnoses/1', diagnoseSchema);
