import { join } from 'node:path';
import { type FailureError, failure } from '../errors.ts';
import { typedForGuest } from '../typed.ts';

/** Whether it is Node's error for one of errno's codes, such as ENOENT. */
export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => error.code === code);
}

/** What has a file's or folder's place is nothing that mptfix works with. */
export function unsafe(path: string, why: string): FailureError {
  return failure(
    'E_FILE_UNSAFE',
    `${path} is left alone: ${why}`,
    `look at what is there: ${typedForGuest(['ls', '-ldL', '--', path])}`,
  );
}

/**
 * Lets errors name the guest's path, not the descriptor by which it was reached, and as their `path` that of this machine.
 * Links in a circle are E_FILE_UNSAFE.
 */
export async function explained<T>(path: string, step: () => Promise<T>, root = '/'): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (isCode(error, 'ELOOP')) throw unsafe(path, 'its links lead in a circle');
    // Node names no file where a call takes a descriptor, and this process's own way to it otherwise.
    if (error instanceof Error && 'syscall' in error) {
      const message = error.message.replace(/\/proc\/self\/fd\/\d+[^']*/, () => path);
      error.message = message.includes(path) ? message : `${message} '${path}'`;
      if (!hasOwnPath(error)) Object.assign(error, { path: root === '/' ? path : join(root, path) });
    }
    throw error;
  }
}

function hasOwnPath(error: Error): boolean {
  return 'path' in error && typeof error.path === 'string' && !error.path.startsWith('/proc/self/fd/');
}
