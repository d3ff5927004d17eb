/** What a compiler, a shell or a linker says of the thing that is wrong. */
const TELLING = /: (fatal )?error:|: not found|undefined!|undefined reference/;
/** make's own complaint; `*** [file] Error 1` only counts what was said before it. */
const COMPLAINT = /\*\*\* (?!\[)/;
const COUNTED = /\*\*\* \[/;
/** Lines of a build that goes well. */
const CHATTER = /^\s*$|^make(\[\d+\])?: (Entering|Leaving)|^ {2}[A-Z][A-Z0-9_]* {1,}/;

/** The one line of a failed build's output that a person should read first. */
export function firstError(lines: readonly string[]): string {
  const counted = lines.findIndex((line) => COUNTED.test(line));
  const before = counted === -1 ? [] : lines.slice(0, counted);
  const line =
    lines.find((text) => TELLING.test(text)) ??
    lines.find((text) => COMPLAINT.test(text)) ??
    before.findLast((text) => !CHATTER.test(text)) ??
    lines[counted] ??
    lines.findLast((text) => text.trim() !== '');
  return line?.trim() ?? 'make said nothing';
}
