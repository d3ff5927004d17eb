import type { BuildOptions } from '../build-options.ts';
import { type ErrorCode, failure } from '../errors.ts';
import type { Job } from './job.ts';

/** The error of each check of an artifact against the guest's own files, where it fails. */
export const PROOF_CODES = {
  version: 'E_PROOF_VERSION',
  compiler: 'E_PROOF_COMPILER',
  vermagic: 'E_PROOF_VERMAGIC',
  'symbol CRCs': 'E_PROOF_CRC',
  dependencies: 'E_PROOF_DEPENDENCIES',
  exports: 'E_PROOF_EXPORTS',
  provenance: 'E_PROOF_PROVENANCE',
  'only the branch': 'E_PROOF_ONLY_BRANCH',
  branch: 'E_PROOF_BRANCH',
  compression: 'E_BUILD',
  signature: 'E_PROOF_SIGNATURE',
} as const satisfies Readonly<Record<string, ErrorCode>>;

/** What such a check has shown. */
export interface ProofResult {
  readonly name: keyof typeof PROOF_CODES;
  readonly ok: boolean;
  /** One line with the values that were compared. */
  readonly detail: string;
  /** It failed, and `--allow-unproven` let it pass. */
  readonly waived?: boolean;
}

/** What `--allow-unproven` can let pass. */
const WAIVABLE: ReadonlySet<ProofResult['name']> = new Set(['provenance', 'compiler']);

/** Only that source and compiler are the module's own may be taken on trust, and only where the user says so. */
export function waive(
  proof: ProofResult,
  { allowUnproven }: Pick<BuildOptions, 'allowUnproven'>,
): ProofResult {
  return WAIVABLE.has(proof.name) && !proof.ok && allowUnproven ? { ...proof, waived: true } : proof;
}

export function holds({ ok, waived }: ProofResult): boolean {
  return ok || waived === true;
}

/** Throws the first proof that fails and is not waived, as its own E_PROOF_…. */
export function requireProofs(proofs: readonly ProofResult[], { kernel }: Job, log?: string): void {
  const failed = proofs.find((proof) => !holds(proof));
  if (failed === undefined) return;
  const version = kernel.packageVersion === null ? '' : ` (package version ${kernel.packageVersion})`;
  const unproven = WAIVABLE.has(failed.name) ? '; --allow-unproven continues all the same' : '';
  throw failure(
    PROOF_CODES[failed.name],
    `proof “${failed.name}” failed: ${failed.detail}`,
    `bring source, headers and compiler of exactly ${kernel.release}${version}${unproven}; nothing was changed on the guest`,
    { log },
  );
}
