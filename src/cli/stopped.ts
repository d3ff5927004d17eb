import type { Failure } from '../errors.ts';
import { typed } from '../typed.ts';
import { sayFailure } from '../ui/failure.ts';

/** What a run reports that a signal ended. */
export function stopped(): Failure {
  return {
    code: 'E_INTERRUPTED',
    what: 'stopped by a signal; the guest is unchanged, or its journal lists what was changed and the next run that may write puts it back',
    next: `run the same command again; ${typed('status')} shows the guest’s state`,
  };
}

/** Reports a failed run as the command line asks for it; `error` is shown with `--verbose` only. */
export function report(problem: Failure, argv: readonly string[], error: unknown): void {
  sayFailure(problem, jsonOf(argv), argv.includes('--verbose') ? error : undefined);
}

/** `watch follow --json` prints a document a line. */
function jsonOf(argv: readonly string[]): boolean | 'line' {
  if (!argv.includes('--json')) return false;
  return argv[0] === 'watch' && argv[1] === 'follow' ? 'line' : true;
}
