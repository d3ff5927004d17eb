import type { Hunk, HunkLine, UnifiedDiff } from './unified.ts';
import { bare, ending, splitLines } from './unified.ts';

/** Where a diff went in, or why it did not. */
export type Applied =
  | { readonly fits: true; readonly text: string; readonly places: readonly HunkPlace[] }
  | { readonly fits: false; readonly reason: string };

/** 1-based lines of the old text that a hunk's old lines cover, context included. */
export interface HunkPlace {
  readonly first: number;
  readonly last: number;
}

/**
 * Applies a diff exactly: every line of context must match, in one place only, at whatever line. A diff with LF fits a
 * file with CRLF; the file keeps its line ends, and new lines get those around them.
 */
export function applyDiff(text: string, diff: UnifiedDiff): Applied {
  const lines = splitLines(text);
  const out: string[] = [];
  const places: HunkPlace[] = [];
  let done = 0;
  for (const hunk of diff.hunks) {
    const found = findHunk(lines, hunk, done);
    if (typeof found === 'string') return { fits: false, reason: found };
    const old = hunk.lines.filter((line) => line.kind !== '+');
    out.push(...lines.slice(done, found.at), ...rewrite(lines, found.at, hunk, found.exact));
    done = found.at + old.length;
    places.push({ first: found.at + 1, last: done });
  }
  out.push(...lines.slice(done));
  return { fits: true, text: out.join(''), places };
}

function findHunk(
  lines: readonly string[],
  hunk: Hunk,
  from: number,
): { at: number; exact: boolean } | string {
  const old = hunk.lines.filter((line) => line.kind !== '+');
  for (const exact of [true, false]) {
    const same = (line: string | undefined, want: HunkLine): boolean =>
      line !== undefined && (exact ? line === literal(want) : bare(line) === bare(want.text));
    const found: number[] = [];
    for (let at = from; at + old.length <= lines.length; at += 1) {
      if (old.every((want, index) => same(lines[at + index], want))) found.push(at);
    }
    const [only] = found;
    if (found.length > 1)
      return `its lines occur in ${found.length} places, lines ${found.map((at) => at + 1).join(', ')}`;
    if (only !== undefined) return { at: only, exact };
  }
  return nearest(lines, old);
}

function literal(line: HunkLine): string {
  return line.open ? line.text : `${line.text}\n`;
}

/** The first line that differs where most of the hunk's lines are found in a row. */
function nearest(lines: readonly string[], old: readonly HunkLine[]): string {
  const key = old.find((line) => line.kind === '-') ?? old[0];
  const lead = key === undefined ? 0 : old.indexOf(key);
  const squeeze = (text: string) => bare(text).replaceAll(/[ \t]+/g, '');
  for (let at = 0; at < lines.length; at += 1) {
    if (key === undefined || squeeze(lines[at] ?? '') !== squeeze(key.text)) continue;
    const wrong = old.findIndex((want, index) => bare(lines[at - lead + index] ?? '') !== bare(want.text));
    const line = at - lead + wrong;
    if (wrong >= 0)
      return `line ${line + 1} is '${bare(lines[line] ?? '')
        .trim()
        .slice(0, 80)}' and not '${old[wrong]?.text.trim()}'`;
  }
  return `no line reads '${key?.text.trim() ?? ''}'`;
}

function rewrite(lines: readonly string[], at: number, hunk: Hunk, exact: boolean): string[] {
  const out: string[] = [];
  let next = at;
  for (const line of hunk.lines) {
    if (line.kind === '+')
      out.push(
        exact ? literal(line) : bare(line.text) + (ending(lines[next] ?? lines[next - 1] ?? '') || '\n'),
      );
    else {
      if (line.kind === ' ') out.push(lines[next] ?? '');
      next += 1;
    }
  }
  return out;
}
