import { type Command, CommanderError } from 'commander';
import { type ErrorCode, type Failure, failure, isFailure } from '../errors.ts';
import { sayFailure } from '../ui/failure.ts';
import { commandLine } from './commands.ts';
import { watchSignals } from './signals.ts';

/** The one place that maps errors to exit statuses. The contract is in README.md. */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  E_USAGE: 2,
  E_CONFIRM_REQUIRED: 2,
  E_DECLINED: 2,
  E_KERNEL_AMBIGUOUS: 2,
  E_NODE_TOO_OLD: 3,
  E_NOT_ROOT: 3,
  E_READ_ONLY: 3,
  E_NO_SPACE: 3,
  E_NO_WORK_FOLDER: 3,
  E_OUTPUT: 3,
  E_TARGET_MISSING: 3,
  E_TREE_ESCAPES: 3,
  E_DISTRO_UNKNOWN: 3,
  E_KERNEL_UNKNOWN: 3,
  E_MODULE_MISSING: 3,
  E_HEADERS_MISSING: 3,
  E_CONFIG_MISSING: 3,
  E_SOURCE_MISSING: 3,
  E_DRIVER_NOT_IN_SOURCE: 3,
  E_TOOLS_MISSING: 3,
  E_ARCH_UNSUPPORTED: 3,
  E_SIGNATURE_REQUIRED: 3,
  E_PACKAGE_MANAGER: 3,
  E_TREE_DAMAGED: 3,
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
  E_INITRAMFS_TOOL: 3,
  E_MOUNT_MISSING: 3,
  E_FS_DAMAGED: 3,
  E_DEVICE_BUSY: 3,
  E_UDEV_MISSING: 3,
  E_LOG_MISSING: 3,
  E_FETCH: 4,
  E_SIGNATURE: 4,
  E_ARCHIVE_TRUNCATED: 4,
  E_ARCHIVE_UNSAFE: 4,
  E_ARCHIVE_FORMAT: 4,
  E_PATCH_NO_BRANCH: 5,
  E_PATCH_NO_FIT: 5,
  E_PATCH_UNPROVEN: 5,
  E_BUILD: 6,
  E_SIGN: 6,
  E_PROOF_VERSION: 7,
  E_PROOF_COMPILER: 7,
  E_PROOF_VERMAGIC: 7,
  E_PROOF_BRANCH: 7,
  E_PROOF_CRC: 7,
  E_PROOF_EXPORTS: 7,
  E_PROOF_DEPENDENCIES: 7,
  E_PROOF_PROVENANCE: 7,
  E_PROOF_ONLY_BRANCH: 7,
  E_PROOF_SIGNATURE: 7,
  E_REMOUNT: 8,
  E_REMOUNT_UNDO: 9,
  E_HARDEN: 8,
  E_HARDEN_UNDO: 9,
  E_INSTALL: 8,
  E_INITRAMFS: 8,
  E_INSTALL_UNDO: 9,
  E_CANNOT_DECIDE: 11,
  E_LOCKED: 12,
  // As shells have it for SIGINT; SIGTERM is told apart in `main`.
  E_INTERRUPTED: 130,
  E_INTERNAL: 1,
  E_DRY_RUN: 1,
};

/** Runs one command line; answers the exit status. Never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const interrupts = watchSignals();
  let status = 0;
  const program = commandLine(async (act) => {
    status = await act(interrupts.signal);
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? 0 : tellFailure(usage(error, program, argv), argv);
    if (!interrupts.signal.aborted || isUndoFailure(error)) return tellFailure(error, argv);
    tell(interrupted(), argv, error);
    return 128 + interrupts.number();
  } finally {
    interrupts.stop();
  }
}

/** Tells what went wrong; answers the exit status that belongs to it. */
export function tellFailure(error: unknown, argv: readonly string[]): number {
  const problem = asFailure(error);
  tell(problem, argv, error);
  return STATUS[problem.code];
}

function tell(problem: Failure, argv: readonly string[], error: unknown): void {
  sayFailure(problem, argv.includes('--json'), argv.includes('--verbose') ? error : undefined);
}

/** What commander found wrong, as every other error is told. */
function usage(error: CommanderError, program: Command, argv: readonly string[]): Error {
  const command = commandOf(program, argv);
  const what =
    error.code === 'commander.help'
      ? `${command} wants the name of a command`
      : error.message.replace(/^error: /, '');
  return failure('E_USAGE', what, `${command} --help tells what it takes`);
}

/** The words of the command that a command line reached. */
function commandOf(program: Command, [word, ...rest]: readonly string[]): string {
  const next = program.commands.find((one) => one.name() === word);
  return next === undefined ? program.name() : `${program.name()} ${commandOf(next, rest)}`;
}

function isUndoFailure(error: unknown): boolean {
  return isFailure(error) && error.failure.code.endsWith('_UNDO');
}

function interrupted(): Failure {
  return {
    code: 'E_INTERRUPTED',
    what: 'stopped by a signal; the guest is as it was, or as its journal says',
    next: 'run the same command again; mptfix status tells how the guest stands',
  };
}

function asFailure(error: unknown): Failure {
  if (isFailure(error)) return error.failure;
  return {
    code: 'E_INTERNAL',
    what: error instanceof Error ? error.message : String(error),
    next: 'this is a defect of mptfix: run it again with --verbose and report what it prints',
  };
}
