import { type Failure, isFailure } from './errors.ts';

/** What a person reads of an error, whatever it is: one that nobody foresaw is a defect of mptfix. */
export function asFailure(error: unknown): Failure {
  if (isFailure(error)) return error.failure;
  if (isForbidden(error)) {
    return {
      code: 'E_NOT_ROOT',
      what: `this user may not: ${error.message}`,
      next: 'run the same command as root (sudo)',
    };
  }
  return {
    code: 'E_INTERNAL',
    what: error instanceof Error ? error.message : String(error),
    next: 'this is a bug in mptfix: run it again with --verbose and report what it prints',
  };
}

/** What the kernel refuses a user; root meets it on a network's file system. */
function isForbidden(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'EACCES';
}
