import { isAsciiOnly } from '../charset.ts';

/**
 * What a terminal acts on, or what makes text look other than it is: control characters (C0 and C1), format characters
 * (direction, zero width), line separators, halves of a pair.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** The same but for what a page is laid out with. */
const HIDDEN_IN_PAGE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The same with whatever is not ASCII. */
const BEYOND_ASCII = /[^\n\t\x20-\x7e]/gu;

/** One line of text of unknown origin for a terminal: `HIDDEN` is shown as `\xHH` or `\uHHHH`. */
export function printable(text: string, longest = Number.POSITIVE_INFINITY): string {
  const shown = text.replace(HIDDEN, escaped);
  return shown.length > longest ? `${shown.slice(0, longest)}…` : shown;
}

/** A page of such text: lines stay lines, and what `keep` matches (our own colours) stays as it is. */
export function printablePage(text: string, keep?: RegExp): string {
  if (keep === undefined) return text.replace(HIDDEN_IN_PAGE, escaped);
  const kept = text.match(keep) ?? [];
  return text
    .split(keep)
    .map((part, index) => part.replace(HIDDEN_IN_PAGE, escaped) + (kept[index] ?? ''))
    .join('');
}

/** A document as JSON: to a parser it is the same, and on a terminal it shows what is in it. */
export function printableJson(document: unknown, indent?: number): string {
  return JSON.stringify(document, null, indent).replace(
    isAsciiOnly() ? BEYOND_ASCII : HIDDEN_IN_PAGE,
    (letter) =>
      letter
        .split('')
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join(''),
  );
}

/** A letter by its code. */
export function escaped(letter: string): string {
  const code = letter.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
}
