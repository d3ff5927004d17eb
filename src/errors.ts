/**
 * Every way in which a run can end badly: its stable code, and the exit status that belongs to it. Scripts match on
 * both, so neither changes; README.md tells the statuses. `cli/main.ts` is the one place that ends a run with them.
 */
export const EXIT_STATUS = {
  // A defect of mptfix.
  E_INTERNAL: 1,
  E_DRY_RUN: 1,

  // The command line, or the answer to a question.
  E_USAGE: 2,
  E_CONFIRM_REQUIRED: 2,
  E_DECLINED: 2,
  E_KERNEL_AMBIGUOUS: 2,

  // Something that mptfix needs is missing: `next` names it.
  E_NODE_TOO_OLD: 3,
  E_NOT_ROOT: 3,
  E_READ_ONLY: 3,
  E_NO_SPACE: 3,
  E_NO_WORK_FOLDER: 3,
  E_OUTPUT: 3,
  E_TARGET_MISSING: 3,
  E_HOST: 3,
  E_HOST_LOST: 3,
  E_TREE_ESCAPES: 3,
  E_TREE_IN_USE: 3,
  E_FILE: 3,
  E_FILE_UNSAFE: 3,
  E_SANDBOX: 3,
  E_DISTRO_UNKNOWN: 3,
  E_KERNEL_UNKNOWN: 3,
  E_KERNEL_CHECK_ONLY: 3,
  E_MODULE_MISSING: 3,
  E_HEADERS_MISSING: 3,
  E_CONFIG_MISSING: 3,
  E_SOURCE_MISSING: 3,
  E_SOURCE_PREP: 3,
  E_DRIVER_NOT_IN_SOURCE: 3,
  E_TOOLS_MISSING: 3,
  E_TOOLCHAIN: 3,
  E_IMAGE: 3,
  E_RESULTS: 3,
  E_ARCH_UNSUPPORTED: 3,
  E_SIGNATURE_REQUIRED: 3,
  E_SIGN_KEY: 3,
  E_PACKAGE_MANAGER: 3,
  E_TREE_DAMAGED: 3,
  E_INDEX: 3,
  E_PLACEMENT: 3,
  E_BOOT_ENTRY: 3,
  E_STATE_UNSAFE: 3,
  E_MOUNTS_UNKNOWN: 3,
  E_CONFIG_INVALID: 3,
  E_CONFIG_UNSAFE: 3,
  E_NOT_TOLD: 3,
  E_SCHEDULE: 3,
  E_GENERATION_MISSING: 3,
  E_FILE_CHANGED: 3,
  E_PLAN_STALE: 3,
  E_INITRAMFS_TOOL: 3,
  E_MOUNT_MISSING: 3,
  E_FS_DAMAGED: 3,
  E_DEVICE_BUSY: 3,
  E_UDEV_MISSING: 3,
  E_LOG_MISSING: 3,
  E_LOG_BINARY: 3,

  // Source could not be fetched, or is not what was signed.
  E_FETCH: 4,
  E_SIGNATURE: 4,
  E_BUNDLE: 4,
  E_ARCHIVE_TRUNCATED: 4,
  E_ARCHIVE_UNSAFE: 4,
  E_ARCHIVE_FORMAT: 4,

  // The patch does not fit.
  E_PATCH_NO_BRANCH: 5,
  E_PATCH_NO_FIT: 5,
  E_PATCH_UNPROVEN: 5,

  // The build failed.
  E_BUILD: 6,
  E_SIGN: 6,

  // The built module is not proven to belong to the guest's kernel.
  E_PROOF_VERSION: 7,
  E_PROOF_COMPILER: 7,
  E_PROOF_VERMAGIC: 7,
  E_PROOF_RELOCATIONS: 7,
  E_PROOF_BRANCH: 7,
  E_PROOF_CRC: 7,
  E_PROOF_EXPORTS: 7,
  E_PROOF_DEPENDENCIES: 7,
  E_PROOF_PROVENANCE: 7,
  E_PROOF_ONLY_BRANCH: 7,
  E_PROOF_SIGNATURE: 7,

  // A change failed, and everything is put back.
  E_INSTALL: 8,
  E_INITRAMFS: 8,
  E_REMOUNT: 8,
  E_HARDEN: 8,

  // A change failed, and not everything could be put back.
  E_INSTALL_UNDO: 9,
  E_REMOUNT_UNDO: 9,
  E_HARDEN_UNDO: 9,
  E_SCHEDULE_UNDO: 9,

  // `check` has nothing to judge from.
  E_CANNOT_DECIDE: 11,

  // Another run holds the lock.
  E_LOCKED: 12,

  // As shells have it for SIGINT; after another signal the run ends with 128 and the signal's number.
  E_INTERRUPTED: 130,
} as const satisfies Readonly<Record<string, number>>;

export type ErrorCode = keyof typeof EXIT_STATUS;

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

/** Makes the error of a refused or failed step. Throw it: `cli/main.ts` prints it, and ends the run with its exit status. */
export function failure(
  code: ErrorCode,
  what: string,
  next: string,
  more?: { log?: string | undefined; cause?: unknown },
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
