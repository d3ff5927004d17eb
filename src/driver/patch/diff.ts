import { splitLines } from './lines.ts';
import type { HunkLine, UnifiedDiff } from './unified.ts';

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
