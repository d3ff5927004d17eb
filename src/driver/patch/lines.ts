/** A text as lines that keep their ends, so that joining them gives the text back, byte for byte. */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  let from = 0;
  while (from < text.length) {
    const newline = text.indexOf('\n', from);
    const end = newline < 0 ? text.length : newline + 1;
    lines.push(text.slice(from, end));
    from = end;
  }
  return lines;
}

/** The line without its end: `\n`, `\r\n` or nothing. */
export function bare(line: string): string {
  return line.replace(/\r?\n$/, '').replace(/\r$/, '');
}

/** The line's end. */
export function ending(line: string): string {
  if (!line.endsWith('\n')) return '';
  return line.endsWith('\r\n') ? '\r\n' : '\n';
}
