/**
 * One word for any POSIX sh, whatever is in it: the only way in which text reaches a guest's shell. Quoted by apostrophes,
 * within which a shell reads nothing; an apostrophe itself is written outside of them.
 * Throws for a NUL, which no argument of a program can hold.
 */
export function shQuote(word: string): string {
  if (word.includes('\0')) throw new Error('a word with a NUL cannot be given to a program');
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Words in a row, each quoted. */
export function shQuoteAll(words: readonly string[]): string {
  return words.map(shQuote).join(' ');
}
