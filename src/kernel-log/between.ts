/** Where a line of a log may begin within a text: a date, or the kernel's time. */
export const RECORD_START =
  /(?<=[\s.!\])])(?=<\d{1,3}>|\[ {0,8}\d{1,12}\.\d{6}\]|\d{4}-\d{2}-\d{2}[T ]|\[?[A-Z][a-z]{2} {1,2}(?:[A-Z][a-z]{2} {1,2})?\d{1,2} )/g;
/** The same anywhere: what stands behind it has a prefix of its own. */
export const HAS_RECORD = new RegExp(RECORD_START.source);
/** In characters. */
export const MAX_BETWEEN = 400;
/** What may be words that a user chose: in quotation marks, or behind a colon, or a file's or a program's name. */
const USERS_WORDS = /['"`]|[:=(] {0,9}$|\b(?:in|comm|name) {1,9}$/;

/** Whether a text may stand between two messages of one line. */
export function mayBeBetween(text: string): boolean {
  return text.length <= MAX_BETWEEN && !USERS_WORDS.test(text);
}
