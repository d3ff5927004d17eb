/**
 * Every way in which a run can end badly, by a stable code.
 * A code is part of the contract: scripts match on it. The exit status that belongs to it is decided in one
 * place only, `cli.ts`.
 */
export type ErrorCode =
  // usage
  | 'E_USAGE'
  | 'E_CONFIRM_REQUIRED'
  | 'E_DECLINED'
  // preconditions
  | 'E_NODE_TOO_OLD'
  | 'E_NOT_ROOT'
  | 'E_READ_ONLY'
  | 'E_NO_SPACE'
  | 'E_NO_WORK_FOLDER'
  | 'E_OUTPUT'
  | 'E_TARGET_MISSING'
  | 'E_TREE_ESCAPES'
  | 'E_DISTRO_UNKNOWN'
  | 'E_KERNEL_UNKNOWN'
  | 'E_KERNEL_AMBIGUOUS'
  | 'E_MODULE_MISSING'
  | 'E_HEADERS_MISSING'
  | 'E_CONFIG_MISSING'
  | 'E_SOURCE_MISSING'
  | 'E_TOOLS_MISSING'
  | 'E_ARCH_UNSUPPORTED'
  | 'E_SIGNATURE_REQUIRED'
  | 'E_STATE_UNSAFE'
  | 'E_MOUNTS_UNKNOWN'
  | 'E_CONFIG_INVALID'
  | 'E_CONFIG_UNSAFE'
  | 'E_NOT_TOLD'
  | 'E_SCHEDULE'
  | 'E_GENERATION_MISSING'
  | 'E_FILE_CHANGED'
  | 'E_CANNOT_DECIDE'
  | 'E_LOG_MISSING'
  // fetch and unpack
  | 'E_FETCH'
  | 'E_SIGNATURE'
  | 'E_ARCHIVE_TRUNCATED'
  | 'E_ARCHIVE_UNSAFE'
  | 'E_ARCHIVE_FORMAT'
  | 'E_DRIVER_NOT_IN_SOURCE'
  // patch
  | 'E_PATCH_NO_BRANCH'
  | 'E_PATCH_NO_FIT'
  | 'E_PATCH_UNPROVEN'
  // build and proofs
  | 'E_BUILD'
  | 'E_SIGN'
  | 'E_PROOF_VERSION'
  | 'E_PROOF_COMPILER'
  | 'E_PROOF_VERMAGIC'
  | 'E_PROOF_BRANCH'
  | 'E_PROOF_CRC'
  | 'E_PROOF_EXPORTS'
  | 'E_PROOF_DEPENDENCIES'
  | 'E_PROOF_PROVENANCE'
  | 'E_PROOF_ONLY_BRANCH'
  | 'E_PROOF_SIGNATURE'
  // install
  | 'E_INSTALL'
  | 'E_INSTALL_UNDO'
  | 'E_LOCKED'
  | 'E_INTERRUPTED'
  | 'E_DRY_RUN'
  | 'E_INTERNAL';

/** What a person reads when a run fails: what happened, why, and what to type next. */
export interface Failure {
  readonly code: ErrorCode;
  /** One line: what could not be done, and why. */
  readonly what: string;
  /** One line: the next command to type, or the thing to bring. */
  readonly next: string;
  /** The log that holds the details, if one was written. */
  readonly log?: string;
}

export type FailureError = Error & { readonly failure: Failure };

/** Makes the error of a refused or failed step. Throw it; `cli.ts` renders it and picks the exit status. */
export function failure(
  code: ErrorCode,
  what: string,
  next: string,
  more?: { log?: string; cause?: unknown },
): FailureError {
  const options = more?.cause === undefined ? undefined : { cause: more.cause };
  const error = new Error(what, options);
  return Object.assign(error, {
    failure: { code, what, next, ...(more?.log === undefined ? {} : { log: more.log }) },
  });
}

export function isFailure(error: unknown): error is FailureError {
  return error instanceof Error && 'failure' in error;
}
