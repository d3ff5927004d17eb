/** One line of a hunk: kept, removed or added. */
export interface HunkLine {
  readonly kind: ' ' | '-' | '+';
  /** The line without its newline; a carriage return before it is part of the line. */
  readonly text: string;
  /** The file ends with this line and has no newline after it. */
  readonly open?: true;
}

export interface Hunk {
  /** 1-based line of the old text where the hunk starts. */
  readonly oldStart: number;
  readonly newStart: number;
  readonly lines: readonly HunkLine[];
}

export interface UnifiedDiff {
  readonly oldPath: string;
  readonly newPath: string;
  readonly hunks: readonly Hunk[];
}

const OPEN_MARK = '\\ No newline at end of file';

/** Reads a unified diff of one file, and the lines before it. Throws an Error that names the line where the text is not one. */
export function parseUnified(text: string): { preamble: readonly string[]; diff: UnifiedDiff } {
  const lines = text.split('\n');
  const top = lines.findIndex((line, at) => line.startsWith('--- ') && lines[at + 1]?.startsWith('+++ '));
  if (top < 0) throw new Error("no '---' and '+++' lines");
  const hunks: Hunk[] = [];
  let at = top + 2;
  while (at < lines.length && lines[at] !== '') {
    const read = readHunk(lines, at);
    hunks.push(read.hunk);
    at = read.next;
  }
  if (hunks.length === 0) throw new Error('no hunk');
  const path = (line: string | undefined) => (line ?? '').slice(4).replace(/\r$/, '').split('\t')[0] ?? '';
  const diff = { oldPath: path(lines[top]), newPath: path(lines[top + 1]), hunks };
  return { preamble: lines.slice(0, top), diff };
}

function readHunk(lines: readonly string[], start: number): { hunk: Hunk; next: number } {
  const head = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(lines[start] ?? '');
  if (head === null) throw new Error(`line ${start + 1} is not the head of a hunk`);
  let old = Number(head[2] ?? 1);
  let fresh = Number(head[4] ?? 1);
  const found: HunkLine[] = [];
  let at = start + 1;
  while (old > 0 || fresh > 0) {
    const line = lines[at] ?? '';
    const kind = line[0];
    if (kind !== ' ' && kind !== '-' && kind !== '+')
      throw new Error(`line ${at + 1} is not a line of a hunk`);
    if (kind !== '+') old -= 1;
    if (kind !== '-') fresh -= 1;
    at += 1;
    const open = lines[at]?.startsWith('\\ ') === true;
    if (open) at += 1;
    found.push(open ? { kind, text: line.slice(1), open } : { kind, text: line.slice(1) });
  }
  if (old < 0 || fresh < 0) throw new Error(`the hunk on line ${start + 1} is longer than its head says`);
  return { hunk: { oldStart: Number(head[1]), newStart: Number(head[3]), lines: found }, next: at };
}

/** The text of a diff, ready for `patch -p1`. */
export function formatUnified(diff: UnifiedDiff): string {
  const out = [`--- ${diff.oldPath}`, `+++ ${diff.newPath}`];
  for (const hunk of diff.hunks) {
    const old = oldLines(hunk).length;
    const fresh = hunk.lines.filter((line) => line.kind !== '-').length;
    out.push(`@@ -${hunk.oldStart},${old} +${hunk.newStart},${fresh} @@`);
    for (const line of hunk.lines) {
      out.push(line.kind + line.text);
      if (line.open) out.push(OPEN_MARK);
    }
  }
  return `${out.join('\n')}\n`;
}

/** The diff that undoes a diff. */
export function reverseDiff(diff: UnifiedDiff): UnifiedDiff {
  return {
    oldPath: diff.newPath.replace(/^b\//, 'a/'),
    newPath: diff.oldPath.replace(/^a\//, 'b/'),
    hunks: diff.hunks.map(reverseHunk),
  };
}

function reverseHunk(hunk: Hunk): Hunk {
  const lines: HunkLine[] = [];
  // Within a change, removed lines come before added ones.
  let coming: HunkLine[] = [];
  for (const line of hunk.lines) {
    if (line.kind === '-') coming.push({ ...line, kind: '+' });
    else if (line.kind === '+') lines.push({ ...line, kind: '-' });
    else {
      lines.push(...coming, line);
      coming = [];
    }
  }
  return { oldStart: hunk.newStart, newStart: hunk.oldStart, lines: [...lines, ...coming] };
}

/** Lines of context that a diff shows, as `diff -u` does. */
const CONTEXT = 3;

/** The diff between two texts that differ in one place. `path` is relative to the kernel's source. */
export function diffTexts(before: string, after: string, path: string): UnifiedDiff {
  const old = splitLines(before);
  const fresh = splitLines(after);
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < fresh.length - head && old.at(-1 - tail) === fresh.at(-1 - tail))
    tail += 1;
  const start = Math.max(0, head - CONTEXT);
  const end = Math.min(old.length, old.length - tail + CONTEXT);
  const lines: HunkLine[] = [
    ...old.slice(start, head).map((line) => hunkLine(' ', line)),
    ...old.slice(head, old.length - tail).map((line) => hunkLine('-', line)),
    ...fresh.slice(head, fresh.length - tail).map((line) => hunkLine('+', line)),
    ...old.slice(old.length - tail, end).map((line) => hunkLine(' ', line)),
  ];
  const hunks = before === after ? [] : [{ oldStart: start + 1, newStart: start + 1, lines }];
  return { oldPath: `a/${path}`, newPath: `b/${path}`, hunks };
}

function hunkLine(kind: HunkLine['kind'], line: string): HunkLine {
  return line.endsWith('\n') ? { kind, text: line.slice(0, -1) } : { kind, text: line, open: true };
}

/** A text as lines with their ends: joined they are the text again, byte for byte. */
function splitLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

/** The line without its end: `\n`, `\r\n` or nothing. */
function bare(line: string): string {
  return line.replace(/\r?\n$/, '').replace(/\r$/, '');
}

/** The line's end. */
function ending(line: string): string {
  if (!line.endsWith('\n')) return '';
  return line.endsWith('\r\n') ? '\r\n' : '\n';
}

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
    out.push(...lines.slice(done, found.at), ...rewrite(lines, found.at, hunk, found.exact));
    done = found.at + oldLines(hunk).length;
    places.push({ first: found.at + 1, last: done });
  }
  out.push(...lines.slice(done));
  return { fits: true, text: out.join(''), places };
}

function oldLines(hunk: Hunk): readonly HunkLine[] {
  return hunk.lines.filter((line) => line.kind !== '+');
}

function findHunk(
  lines: readonly string[],
  hunk: Hunk,
  from: number,
): { at: number; exact: boolean } | string {
  const old = oldLines(hunk);
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
