/** Text out of a guest for a terminal: what could move its cursor or break the line is shown, not sent. */
export function plain(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A command as a shell takes it, to be copied: words that need it are quoted. */
export function commandLine(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const ansi = /\p{Cc}/u.test(word);
  if (!ansi) return `'${word.replaceAll("'", `'\\''`)}'`;
  const escaped = word
    .replace(/[\\']/g, '\\$&')
    .replace(/\p{Cc}/gu, (mark) => `\\${mark.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `$'${escaped}'`;
}
