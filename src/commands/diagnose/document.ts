import type { Diagnosis } from '../../diagnose/diagnose.ts';

/** What `diagnose --json` prints. */
export interface DiagnoseResult extends Diagnosis {
  readonly schema: 'mptfix.diagnose/1';
  /** The machine whose logs were read; null where files were given. */
  readonly target: string | null;
}
