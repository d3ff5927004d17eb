import { type FailureError, failure } from '../errors.ts';

/** Whether it is Node's error for one of errno's codes, such as ENOENT. */
export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => error.code === code);
}

/** What has a file's or folder's place is nothing that mptfix works with. */
export function unsafe(path: string, why: string): FailureError {
  return failure(
    'E_FILE_UNSAFE',
    `${path} is left alone: ${why}`,
    `look at what is there: ls -ldL -- ${path}`,
  );
}

/** Lets errors name the guest's path, not the descriptor by which it was reached. Links in a circle are E_FILE_UNSAFE. */
export async function explained<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (isCode(error, 'ELOOP')) throw unsafe(path, 'its links lead in a circle');
    if (error instanceof Error)
      error.message = error.message.replace(/\/proc\/self\/fd\/\d+[^']*/, () => path);
    throw error;
  }
}
