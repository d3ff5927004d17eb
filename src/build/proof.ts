import type { BuildOptions } from '../build-options.ts';
import { type ErrorCode, failure } from '../errors.ts';
import type { Job } from './job.ts';

/** What is known of a proof that fails. */
interface Failing {
  readonly code: ErrorCode;
  /** What to bring or to do then, for this kernel. docs/how-it-is-proven.md has the same table with the usual causes. */
  readonly next: (kernel: string) => string;
  /** `--allow-unproven` can let it pass. */
  readonly isWaivable?: true;
}

const SEND_LOG = 'this may be a fault of mptfix: report it with the log';

/** Each check of an artifact against the guest's own files, where it fails. */
export const PROOFS = {
  version: {
    code: 'E_PROOF_VERSION',
    next: (kernel) => `give --source and --headers of exactly ${kernel}, including the distro’s revision`,
  },
  compiler: {
    code: 'E_PROOF_COMPILER',
    next: () =>
      'install the compiler that is named above; where its name differs, give it with --make-var CC=NAME',
    isWaivable: true,
  },
  vermagic: {
    code: 'E_PROOF_VERMAGIC',
    next: (kernel) => `give --headers of exactly ${kernel}, of the same flavour (SMP, PAE, -rt)`,
  },
  'symbol CRCs': {
    code: 'E_PROOF_CRC',
    next: (kernel) =>
      `give --headers of the distro’s own ${kernel}; with --whole-tree, --symvers FILE of that build`,
  },
  relocations: {
    code: 'E_PROOF_RELOCATIONS',
    next: () =>
      'compile with the tools of the kernel’s own time: --toolchain guest (with --root), or --toolchain DIR, the / of such a system',
  },
  dependencies: {
    code: 'E_PROOF_DEPENDENCIES',
    next: (kernel) => `give --source of exactly ${kernel}; the log names the symbol`,
  },
  exports: {
    code: 'E_PROOF_EXPORTS',
    next: (kernel) => `give --source of exactly ${kernel}: this one has another version of the driver`,
  },
  provenance: {
    code: 'E_PROOF_PROVENANCE',
    next: (kernel) => `give --source and --headers of exactly ${kernel}, including the distro’s patches`,
    isWaivable: true,
  },
  'only the branch': {
    code: 'E_PROOF_ONLY_BRANCH',
    next: () => `run the command again with --no-cache; if it fails again, ${SEND_LOG}`,
  },
  branch: { code: 'E_PROOF_BRANCH', next: () => SEND_LOG },
  compression: {
    code: 'E_BUILD',
    next: () => 'reinstall this machine’s xz or zstd program, then run the command again',
  },
  signature: {
    code: 'E_PROOF_SIGNATURE',
    next: () => 'give a key and the certificate made for it: --sign-key FILE --sign-cert FILE',
  },
} as const satisfies Readonly<Record<string, Failing>>;

export type ProofName = keyof typeof PROOFS;

/** What such a check has shown. */
export interface ProofResult {
  readonly name: ProofName;
  readonly ok: boolean;
  /** One line with the values that were compared. */
  readonly detail: string;
  /** It failed, and `--allow-unproven` let it pass. */
  readonly waived?: boolean;
}

/** Only that source and compiler are the module's own may be taken on trust, and only where the user says so. */
export function waive(
  proof: ProofResult,
  { allowUnproven }: Pick<BuildOptions, 'allowUnproven'>,
): ProofResult {
  return isWaivable(proof.name) && !proof.ok && allowUnproven ? { ...proof, waived: true } : proof;
}

function isWaivable(name: ProofName): boolean {
  const failing: Failing = PROOFS[name];
  return failing.isWaivable === true;
}

export function holds({ ok, waived }: ProofResult): boolean {
  return ok || waived === true;
}

/** Throws the first proof that fails and is not waived, with its own code and what to do about it. */
export function requireProofs(
  proofs: readonly ProofResult[],
  { kernel }: Pick<Job, 'kernel'>,
  log?: string,
): void {
  const failed = proofs.find((proof) => !holds(proof));
  if (failed === undefined) return;
  const { code, next } = PROOFS[failed.name];
  const version = kernel.packageVersion === null ? '' : ` (package version ${kernel.packageVersion})`;
  const unproven = isWaivable(failed.name) ? '; --allow-unproven continues all the same' : '';
  throw failure(
    code,
    `proof “${failed.name}” failed: ${failed.detail}`,
    `${next(`${kernel.release}${version}`)}${unproven}; nothing was changed on the guest`,
    { log },
  );
}
