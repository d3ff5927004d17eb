import type { BuildOptions } from '../build-options.ts';
import { type ErrorCode, failure } from '../errors.ts';
import type { Job } from './job.ts';

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

/** Only that source and compiler are the module's own may be taken on trust, and only where the user says so. */
export function waive(
  proof: ProofResult,
  { allowUnproven }: Pick<BuildOptions, 'allowUnproven'>,
): ProofResult {
  const mayBe = proof.name === 'provenance' || proof.name === 'compiler';
  return mayBe && !proof.ok && allowUnproven ? { ...proof, waived: true } : proof;
}

export function holds({ ok, waived }: ProofResult): boolean {
  return ok || waived === true;
}

/** Throws the first proof that fails and is not waived, as its own E_PROOF_…. */
export function requireProofs(proofs: readonly ProofResult[], { kernel }: Job, log?: string): void {
  const failed = proofs.find((proof) => !holds(proof));
  if (failed === undefined) return;
  const version = kernel.packageVersion === null ? '' : ` (package version ${kernel.packageVersion})`;
  const unproven =
    failed.name === 'provenance' || failed.name === 'compiler'
      ? '; --allow-unproven continues all the same'
      : '';
  throw failure(
    failed.code,
    `proof “${failed.name}” failed: ${failed.detail}`,
    `bring source, headers and compiler of exactly ${kernel.release}${version}${unproven}; nothing was changed on the guest`,
    { log },
  );
}
