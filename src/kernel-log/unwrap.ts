import { carry } from './carry.ts';
import { explained } from './events.ts';
import { bestJoin, LEAST_WIDTH, MAX_MARKS } from './joins.ts';
import { parseLine } from './prefix.ts';
import { SIGNATURES } from './signatures.ts';
import { squeeze, squeezedWords, wordSearch } from './words.ts';

/*
 * Joins the lines of a message that a mail, a forum or a terminal broke. Nothing is joined for the look of it: only where a
 * message of the table goes across the break, or the prefix of one does.
 */

const NEEDLES = squeezedWords([...new Set(SIGNATURES.flatMap(({ needles }) => needles))]);
const WORDS = wordSearch(NEEDLES);
const LINE_FEED = 0x0a;

/** A message has at most so many lines, one that is reflowed with others as many as there are. */
const MAX_BEFORE = 3;
const WINDOW = 6;
const MAX_JOINED = 8 * 1024;
const MAX_LINE = 2 * 1024;
/** No more of the last lines than this waits for those that may go on with them. */
const MAX_HELD = 16 * 1024;
/** In a log with so many lines that no join makes readable, nothing was broken; each join that does allows for more. */
const MAX_FAILED = 1000;
const SUCCESS = 20;
/** dmesg and journalctl indent what belongs to a message by as much: a user may have chosen it. */
const INDENTED = /^[ \t]{12}/;

/** Takes whole lines and gives them back with broken ones joined. @param onJoined called with how many lines were joined */
export function unwrapper(onJoined: (lines: number) => void): (lines: Buffer, isEnd: boolean) => Buffer {
  const held = carry();
  let failed = 0;
  let squeezed = Buffer.alloc(0);
  let places = new Uint32Array(0);

  /** Where words of the table begin and end, also across line breaks. */
  const hits = (bytes: Buffer): readonly (readonly [number, number])[] => {
    if (squeezed.length < bytes.length) {
      squeezed = Buffer.allocUnsafe(bytes.length);
      places = new Uint32Array(bytes.length);
    }
    const found: (readonly [number, number])[] = [];
    WORDS.each(squeezed, squeeze(bytes, bytes.length, squeezed, places, true), (index, start) => {
      const end = start + (NEEDLES[index]?.length ?? 1) - 1;
      found.push([places[start] as number, places[end] as number]);
    });
    return found;
  };

  return (lines, isEnd) => {
    const bytes = held.join(lines);
    const until = isEnd ? bytes.length : startOfLast(WINDOW, bytes);
    const out: Buffer[] = [];
    let done = 0;
    let looked = { first: -1, last: -1 };
    for (const [start, end] of hits(bytes)) {
      const first = lineStart(bytes, start);
      if (first >= until) break;
      const last = lineEnd(bytes, end);
      // Most lines have several of the words.
      if (first === looked.first && last === looked.last) continue;
      looked = { first, last };
      if (first < done || isPlain(bytes, first, last, end) || failed > MAX_FAILED) continue;
      if (isReadable(bytes, first, last, start)) continue;
      const joined = joinedAt(bytes, first, last, done);
      failed += joined === undefined ? 1 : -SUCCESS;
      if (joined === undefined) continue;
      out.push(bytes.subarray(done, joined.from), Buffer.from(joined.text));
      onJoined(joined.lines);
      done = joined.to;
    }
    // What comes next may go on with one of the last lines that were looked at.
    const rest = Math.max(isEnd ? until : startOfLast(WINDOW + MAX_BEFORE, bytes), done);
    held.keep(bytes.subarray(rest));
    return out.length === 0 ? bytes.subarray(0, rest) : Buffer.concat([...out, bytes.subarray(done, rest)]);
  };
}

/** Where the last few lines begin. */
function startOfLast(lines: number, bytes: Buffer): number {
  let from = bytes.length;
  for (let count = 0; count < lines && from > 0; count += 1) {
    const start = lineStart(bytes, from - 1);
    if (bytes.length - start > MAX_HELD) break;
    from = start;
  }
  return from;
}

function lineStart(bytes: Buffer, at: number): number {
  return at === 0 ? 0 : bytes.lastIndexOf(LINE_FEED, at - 1) + 1;
}

/** Of its line break, or where the bytes end. */
function lineEnd(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(LINE_FEED, at);
  return end === -1 ? bytes.length : end;
}

/** In most logs each line begins like the next: then neither is broken, and nothing needs a closer look. */
function isPlain(bytes: Buffer, first: number, last: number, hitEnd: number): boolean {
  const next = last + 1;
  if (lineEnd(bytes, first) < hitEnd || next + 4 > bytes.length) return false;
  for (let at = 0; at < 4; at += 1) if (bytes[first + at] !== bytes[next + at]) return false;
  return true;
}

/** A line that needs nothing: its words are read, and it does not look like a part of a longer one. */
function isReadable(bytes: Buffer, first: number, last: number, hit: number): boolean {
  if (lineEnd(bytes, first) !== last) return false;
  const line = textAt(bytes, first);
  const spans = explained(line) ?? [];
  const at = bytes.toString('utf8', first, hit).length;
  const isRead = spans.some(({ start, end, isPrefix }) => !isPrefix && start <= at && at < end);
  if (!isRead) return false;
  const final = spans.at(-1);
  const rest = line.slice(final?.end).trim();
  // Behind an error’s function these words say more than the error.
  if (final?.isOpen === true && ABORTED.startsWith(rest.toLowerCase())) return false;
  const isAtEnd = rest.length <= MAX_MARKS;
  if (isAtEnd && line.length >= LEAST_WIDTH) return false;
  if (first === 0) return true;
  const before = textAt(bytes, lineStart(bytes, first - 1));
  // In a log whose lines have dates, one without goes on with another.
  return beginsRecord(line, before) || !(GOES_ON.test(before) || beginsRecord(before, ''));
}

const ABORTED = 'detected aborted journal';

/** How the line before a message ends that belongs to it: with a device, a colon or a time. */
const GOES_ON =
  /(?:[:\]]|tag#\d{1,10}|FAILED|\bsd|\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?: [\w.-]{1,64})?)[ \t]{0,9}$/;

interface Joined {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  readonly lines: number;
}

/** The message that goes across the end of a line near these two places; undefined where none does. */
function joinedAt(bytes: Buffer, first: number, last: number, done: number): Joined | undefined {
  const starts = [first];
  while (starts.length <= MAX_BEFORE) {
    const [earliest] = starts as [number];
    if (earliest <= done) break;
    const before = lineStart(bytes, earliest - 1);
    const line = textAt(bytes, before);
    if (before < done || isBlank(line) || beginsRecord(textAt(bytes, earliest), line)) break;
    starts.unshift(before);
  }
  for (const from of starts) {
    const joined = joinedFrom(bytes, from);
    // All of what stands before the words must belong to it, too.
    if (joined !== undefined && joined.to > Math.min(last, first === from ? 0 : first)) return joined;
  }
  return undefined;
}

/** What the line that begins here is with those that go on with it. */
function joinedFrom(bytes: Buffer, from: number): Joined | undefined {
  let text = textAt(bytes, from);
  if (INDENTED.test(text)) return undefined;
  let next = lineEnd(bytes, from) + 1;
  let lines = 1;
  for (;;) {
    const following = followingLines(bytes, next, text);
    if (following.length === 0 || text.length > MAX_JOINED) break;
    const best = bestJoin(text, following);
    if (best === undefined) break;
    text = best.text;
    lines += best.count;
    for (let count = 0; count < best.count; count += 1) next = lineEnd(bytes, next) + 1;
  }
  return lines === 1 ? undefined : { from, to: next, text: `${text}\n`, lines };
}

/** The lines from here on with which no record begins, up to an empty one. */
function followingLines(bytes: Buffer, from: number, line: string): readonly string[] {
  const found: string[] = [];
  for (let at = from; at < bytes.length && found.length < WINDOW; at = lineEnd(bytes, at) + 1) {
    const text = textAt(bytes, at);
    if (isBlank(text) || INDENTED.test(text) || beginsRecord(text, found.at(-1) ?? line)) break;
    found.push(text);
  }
  return found;
}

function textAt(bytes: Buffer, start: number): string {
  return bytes.toString('utf8', start, Math.min(lineEnd(bytes, start), start + MAX_LINE)).replace(/\r$/, '');
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** Nothing but what comes before the kernel's time. */
const UP_TO_KERNEL = /(?:^|\s)kernel:[ \t]{0,9}\[?[ \t]{0,9}$/;

/** A line that has a time, a priority or the like begins a record; but the kernel's time may follow what stands before it. */
function beginsRecord(line: string, before: string): boolean {
  const { prefix, isLater } = parseLine(line);
  if (isLater === true || Object.keys(prefix).length === 0) return false;
  const isKernelTime = prefix.kernelSeconds !== undefined && prefix.stamp === undefined;
  return !(isKernelTime && UP_TO_KERNEL.test(before));
}
