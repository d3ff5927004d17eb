import { isFailure } from '../errors.ts';

/** Node's errors that a person meets when a log is opened, in words. */
const IN_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this user may not read it; run mptfix as root (sudo)',
  EPERM: 'this user may not read it; run mptfix as root (sudo)',
  ELOOP: 'its symbolic links lead in a circle',
  EIO: 'the disk that it is on answers with an I/O error',
};

/** Why a part of a log cannot be read, in one line. */
export function problemText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The part's name stands before it already.
  if (isFailure(error)) return error.message.replace(/^.{1,4096} is left alone: /s, '');
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return Object.hasOwn(IN_WORDS, code) ? (IN_WORDS[code] ?? error.message) : error.message;
}
