/** A text as one word of a POSIX shell. */
export function shWord(text: string): string {
  if (text.includes('\0')) throw new Error('a word of a shell holds no NUL');
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
