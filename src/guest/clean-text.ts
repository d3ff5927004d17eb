/**
 * Cleans text of a guest, which may be broken or hostile: the result is printable, short, and safe on a terminal, in a
 * mail and in JSON. What is hidden is dropped; ui/printable.ts shows it escaped instead, where a person must see it.
 */

/** A real release file has less than 1 KiB; text beyond this is ignored. */
const LONGEST_FILE = 64 * 1024;
const LONGEST_VALUE = 128;
/** A line has a name, quotes and escapes besides the value. */
const LONGEST_LINE = 4 * LONGEST_VALUE;

/** A terminal's escape sequence, whatever control character starts it. */
const ESCAPES = /\p{Cc}\[[0-?]*[ -/]*[@-~]/gu;
/**
 * Control, direction and zero-width characters, code points that are private, unpaired or unassigned, line separators.
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\ufffd]/gu;

/** One line without anything that a terminal would act on, of at most `longest` characters. */
export function cleanText(text: string, longest = LONGEST_VALUE): string {
  // Cut twice: first so that a line of megabytes costs nothing, then to the length that is promised.
  const short = text.slice(0, 8 * longest);
  const clean = short.replaceAll('\t', ' ').replace(ESCAPES, '').replace(UNPRINTABLE, '').trim();
  return [...clean].slice(0, longest).join('').trim();
}

/** The lines that are not empty, cleaned, of at most 512 characters each. */
export function cleanLines(text: string): readonly string[] {
  return text
    .slice(0, LONGEST_FILE)
    .split(/[\r\n]+/)
    .map((line) => cleanText(line, LONGEST_LINE))
    .filter((line) => line !== '');
}

/** A version out of such a text: digits, letters, dots, plus, tilde, dash and underscore, at most 32. */
export function cleanVersion(text: string): string {
  return text.replace(/[^\w.+~-]/g, '').slice(0, 32);
}

/**
 * Assignments, one a line, as in os-release(5): `KEY=value`, in single, double or no quotes; lsb-release is
 * the same, SuSE-release has blanks around the sign. As in a shell, the last one of a name counts.
 */
export function assignments(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of cleanLines(text)) {
    const match = /^([A-Za-z_][A-Za-z0-9_]{0,63}) ?= ?(.*)$/.exec(line);
    if (match?.[1] !== undefined) found.set(match[1], unquote(match[2] ?? ''));
  }
  return found;
}

function unquote(value: string): string {
  const quote = value[0];
  if (quote === "'") return value.slice(1).replace(/'$/, '');
  if (quote === '"') return withoutBackslashes(value.slice(1).replace(/"$/, ''));
  return withoutBackslashes(value);
}

/** The four characters that os-release(5) says are escaped by a backslash. */
function withoutBackslashes(value: string): string {
  return value.replace(/\\([\\"$`])/g, '$1');
}
