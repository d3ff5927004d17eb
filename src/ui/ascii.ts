import { isAsciiOnly } from '../charset.ts';
import { escaped } from './printable.ts';

/** What stands for letters of our own texts and of listr2 where only ASCII is shown. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  '’': "'",
  '‘': "'",
  '“': '"',
  '”': '"',
  '…': '...',
  '–': '-',
  '—': '-',
  '·': '-',
  '•': '*',
  '×': 'x',
  '→': '->',
  '←': '<-',
  '↓': 'v',
  '↑': '^',
  '›': '>',
  '❯': '>',
  '✔': '+',
  '✓': '+',
  '✖': 'x',
  '⚠': '!',
  '◼': '*',
  ℹ: 'i',
  '☒': '[x]',
  '⊘': 'o',
  '■': '*',
  '❚': '|',
  '─': '-',
  '│': '|',
  '├': '|',
  '└': '`',
  '≥': '>=',
  '≤': '<=',
  µ: 'u',
  '°': ' degrees',
  '\u00a0': ' ',
};

/** listr2's moving icon. */
const BRAILLE = /[\u2800-\u28ff]/g;
const OTHERS = /[^\0-\x7f]/gu;

/** The text as a terminal of ASCII shows it: our own signs by others, all else by its code. Otherwise as it is. */
export function shownHere(text: string): string {
  return isAsciiOnly()
    ? text.replace(BRAILLE, '.').replace(OTHERS, (letter) => REPLACEMENTS[letter] ?? escaped(letter))
    : text;
}

/** Has both streams show nothing but ASCII where the terminal has no more, whoever writes to them. */
export function adaptOutput(): void {
  if (!isAsciiOnly()) return;
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
    stream.write = (chunk: unknown, ...rest: unknown[]): boolean =>
      write(typeof chunk === 'string' ? shownHere(chunk) : chunk, ...rest);
  }
}
