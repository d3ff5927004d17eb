import { stripVTControlCharacters } from 'node:util';

/** Narrower than this a text cannot be read anyhow. */
const NARROWEST = 20;

/** Stands before a line that is not wrapped. No guest's text has it: control characters are made visible first. */
const VERBATIM = '\u0001';

/** Lines that stay as they are, such as a file's: a break would change what they say. */
export function verbatim(text: string): string {
  return text.replace(/^/gm, VERBATIM);
}

/** Changes each line, but for the mark before it. */
export function keepingMarks(page: string, change: (line: string) => string): string {
  return page
    .split('\n')
    .map((line) =>
      line.startsWith(VERBATIM) ? VERBATIM + change(line.slice(VERBATIM.length)) : change(line),
    )
    .join('\n');
}

/**
 * Breaks lines between words where they are wider than the terminal. What follows stands below the text that the line
 * begins with: after its label, its number or its indentation. A command in backquotes, and a line after `$`, stays in
 * one piece, to be copied; so does a word that is longer than the line.
 * @param columns undefined: nothing is broken, as it is no terminal, or its width is not known
 */
export function wrapped(page: string, columns: number | undefined): string {
  const isNarrow = columns === undefined || columns < NARROWEST;
  return page
    .split('\n')
    .map((line) => {
      if (line.startsWith(VERBATIM)) return line.slice(VERBATIM.length);
      return isNarrow || width(line) <= columns || /^\s*\$ /.test(line) ? line : wrappedLine(line, columns);
    })
    .join('\n');
}

/** Words with the space before each. */
const WORDS = /\s*(?:`[^`]*`|[^\s`]|`)+/g;

function wrappedLine(line: string, columns: number): string {
  const lead = hanging(line, columns);
  const below = ' '.repeat(lead);
  const lines: string[] = [];
  let current = '';
  for (const word of line.match(WORDS) ?? []) {
    // After the label alone a break would gain nothing: a word too long for the line is as long below it.
    if (width(current) < Math.max(lead, 1) || width(current + word) <= columns) current += word;
    else {
      lines.push(current);
      current = below + word.trimStart();
    }
  }
  return [...lines, current].join('\n');
}

/** How a line's text may be set off: by columns, a label (`next: `), a number or a mark. */
const LEADS = [/^\s*\S.*?\s{2,}(?=\S)/, /^\s*[\w\u2019' .-]{1,24}: +/, /^\s*(?:\d+\.|[-*!+]) +/, /^\s*/];

function hanging(line: string, columns: number): number {
  const plain = stripVTControlCharacters(line);
  const widths = LEADS.map((lead) => width(lead.exec(plain)?.[0] ?? ''));
  return widths.find((found) => found > 0 && found <= columns / 2) ?? 0;
}

/** Of CJK and the like; Unicode's East Asian Width, as far as a name of a guest may have it. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;

/** Columns that a line takes on a terminal. */
export function width(text: string): number {
  let columns = 0;
  for (const letter of stripVTControlCharacters(text))
    columns += /\p{M}/u.test(letter) ? 0 : WIDE.test(letter) ? 2 : 1;
  return columns;
}
