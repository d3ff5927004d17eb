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

/** A diff and the lines before it. */
export interface ParsedDiff {
  readonly preamble: readonly string[];
  readonly diff: UnifiedDiff;
}

const OPEN_MARK = '\\ No newline at end of file';

/** Reads a unified diff of one file. Throws an Error that names the line where the text is not one. */
export function parseUnified(text: string): ParsedDiff {
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
    const old = hunk.lines.filter((line) => line.kind !== '+').length;
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
