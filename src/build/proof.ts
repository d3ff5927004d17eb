import type { ErrorCode } from '../errors.ts';

/** A check of an artifact against the guest's own files. */
export interface ProofResult {
  readonly name:
    | 'version'
    | 'compiler'
    | 'vermagic'
    | 'symbol CRCs'
    | 'dependencies'
    | 'exports'
    | 'provenance'
    | 'only the branch'
    | 'branch'
    | 'compression'
    | 'signature';
  readonly ok: boolean;
  /** One line with the values that were compared. */
  readonly detail: string;
  readonly code: ErrorCode;
  /** It failed, and `--allow-unproven` let it pass. */
  readonly waived?: boolean;
}
