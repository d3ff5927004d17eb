import type { FileStat } from '../port.ts';

/*
 * What `ls -ldn` says of one file, in the C locale and in UTC: a guest of 2003 has no stat(1). The forms of the time, with
 * the programs that write them:
 *   2003-05-14 12:00:00.000000000 +0000   coreutils with --full-time (from fileutils 4.1.6 on)
 *   2003-05-14 12:00:00 +0000             busybox with --full-time
 *   Wed May 14 12:00:00 2003              fileutils before that with --full-time; older busybox
 *   May 14 12:00, May 14  2003            POSIX: what has no --full-time
 */
const HEAD = /^([-a-zA-Z])([-rwxsStT]{9})[.+@]? +\d+ +(\d+) +(\d+) +(?:(\d+), *(\d+)|(\d+)) +(?=\S)/;
const ISO = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? \+0000 /;
const FULL = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4}) /;
const RECENT = /^([A-Z][a-z]{2}) +(\d{1,2}) +(\d\d):(\d\d) /;
const OLD = /^([A-Z][a-z]{2}) +(\d{1,2}) +(\d{4}) /;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY_MS = 86_400_000;

export interface Listed {
  readonly status: FileStat;
  /** The name, and of a link also ` -> ` and its text, with the newline at the end. */
  readonly rest: string;
}

/**
 * Reads the output of `ls -ldn` for one file; undefined where it has no such form.
 * @param now milliseconds: a time without its year is the last one before this
 */
export function parseListing(text: string, now: number): Listed | undefined {
  const head = HEAD.exec(text);
  if (head === null) return undefined;
  const [whole, letter = '', bits = '', uid, gid, major, minor, size] = head;
  const tail = text.slice(whole.length);
  const time = parseTime(tail, now);
  if (time === undefined) return undefined;
  return {
    status: {
      type: letter === '-' ? 'file' : letter === 'd' ? 'directory' : letter === 'l' ? 'link' : 'other',
      size: Number(size ?? 0),
      mode: modeOf(bits),
      uid: Number(uid),
      gid: Number(gid),
      mtime: time.mtime,
      ...(major === undefined ? {} : { rdev: `${major}:${minor}` }),
    },
    rest: tail.slice(time.length),
  };
}

export interface FolderEntry {
  readonly name: string;
  readonly status: FileStat;
  /** Of a link. */
  readonly text: string | undefined;
}

/**
 * Reads what `folderStates` prints: the names, each with `/` and a newline after it, an empty one, and `ls -lan`, which
 * sorts by bytes in the C locale. A name ends where the one that the shell told ends, and a link's text where its size
 * says: both may hold anything. Undefined where ls shows one of them in another way.
 */
export function parseFolder(output: Buffer, noMore: string, now: number): readonly FolderEntry[] | undefined {
  // A character a byte: the size of a link counts bytes.
  const text = output.toString('latin1');
  const names: string[] = ['.', '..'];
  let at = 0;
  for (let end = text.indexOf('/\n'); ; end = text.indexOf('/\n', at)) {
    if (end === -1) return undefined;
    const name = text.slice(at, end);
    at = end + 2;
    if (name === noMore) break;
    if (name !== '.' && name !== '..') names.push(name);
  }
  names.sort();
  at += /^total \d+\n/.exec(text.slice(at, at + 40))?.[0].length ?? 0;
  const entries: FolderEntry[] = [];
  for (const name of names) {
    const listed = parseListing(text.slice(at, at + LINE), now);
    // A pattern that fits nothing stands for itself.
    const isThere =
      listed?.rest.startsWith(name) === true && /^(?: -> |\n)/.test(listed.rest.slice(name.length));
    if (!isThere && (name === '*' || name === '.*')) continue;
    if (listed === undefined || !isThere) return undefined;
    at += text.slice(at, at + LINE).length - listed.rest.length + name.length;
    const isLink = listed.status.type === 'link';
    const link = isLink ? text.slice(at + 4, at + 4 + listed.status.size) : undefined;
    if (link !== undefined) at += 4 + link.length;
    // A ? may stand for a character that this ls does not print.
    if (link === '' || link?.includes('?') === true || text[at] !== '\n') return undefined;
    at += 1;
    if (name === '.' || name === '..') continue;
    entries.push({
      name: utf8(name),
      status: listed.status,
      text: link === undefined ? undefined : utf8(link),
    });
  }
  return at === text.length ? entries : undefined;
}

/** A line of ls: what stands before the name, a name, a link's text (PATH_MAX). */
const LINE = 8192;

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function modeOf(bits: string): number {
  let mode = 0;
  [...bits].forEach((letter, index) => {
    // A capital: the special bit without the x below it.
    if (letter !== '-' && letter !== 'S' && letter !== 'T') mode |= 1 << (8 - index);
    if (index % 3 === 2 && /[sStT]/.test(letter)) mode |= 0o4000 >> ((index - 2) / 3);
  });
  return mode;
}

interface Time {
  readonly mtime: string;
  /** Characters that it took. */
  readonly length: number;
}

function parseTime(text: string, now: number): Time | undefined {
  const iso = ISO.exec(text);
  if (iso !== null) {
    const [whole, year, month, day, hour, minute, second, fraction = ''] = iso;
    const ms = Date.UTC(
      Number(year),
      Number(month) - 1,
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
    );
    return inSeconds(ms, whole, fraction);
  }
  const full = FULL.exec(text);
  if (full !== null) {
    const [whole, month = '', day, hour, minute, second, year] = full;
    const ms = Date.UTC(
      Number(year),
      MONTHS.indexOf(month),
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
    );
    return inSeconds(ms, whole, '');
  }
  const old = OLD.exec(text);
  if (old !== null) {
    const [whole, month = '', day, year] = old;
    return inSeconds(Date.UTC(Number(year), MONTHS.indexOf(month), Number(day)), whole, '');
  }
  const recent = RECENT.exec(text);
  if (recent === null) return undefined;
  const [whole, month = '', day, hour, minute] = recent;
  const inYear = (year: number): number =>
    Date.UTC(year, MONTHS.indexOf(month), Number(day), Number(hour), Number(minute));
  const year = new Date(now).getUTCFullYear();
  return inSeconds(inYear(year) > now + DAY_MS ? inYear(year - 1) : inYear(year), whole, '');
}

/** Whole seconds and a fraction that only adds: before 1970 the two have one sign, as `FileStat.mtime` has it. */
function inSeconds(ms: number, whole: string, fraction: string): Time {
  const nanoseconds = BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  const digits = String(nanoseconds < 0n ? -nanoseconds : nanoseconds).padStart(10, '0');
  const mtime = `${nanoseconds < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
  return { mtime, length: whole.length };
}

/** By its size, whatever ls makes of the name before it; undefined where a ? may stand for what this ls does not print. */
export function linkTextOf({ rest, status }: Listed, path: string): string | undefined {
  const line = rest.replace(/\n$/, '');
  const prefix = `${Buffer.from(path).toString('latin1')} -> `;
  // /proc tells no size of its links.
  const isNamed = line.startsWith(prefix);
  const text = isNamed ? line.slice(prefix.length) : status.size === 0 ? '' : line.slice(-status.size);
  const isTold = isNamed || line.slice(0, line.length - text.length).endsWith(' -> ');
  if (text === '' || text.includes('?') || !isTold) return undefined;
  return Buffer.from(text, 'latin1').toString('utf8');
}

/** The names that `folderNames` prints, without the folder itself and the one above it. */
export function namesTold(output: Buffer): readonly string[] {
  const names = output.toString('utf8').split('/\n').slice(0, -1);
  return names.filter((name) => name !== '.' && name !== '..');
}
