import { deviceOfJournal, nameOfNumbers, nameOfOldDevice } from './devices.ts';
import type { LinePrefix, ParsedLine, Writer } from './line.ts';
import { parseLine } from './prefix.ts';
import type { Effect, FieldName, Fields, Layer, Signature } from './signature.ts';
import { SIGNATURES } from './signatures.ts';
import { squeeze, squeezedWords, wordSearch } from './words.ts';

/*
 * This room turns the lines of a kernel log, of every era and syslog form, into typed messages. The messages it knows
 * are the table in signatures/: a new one is a new row there.
 */

/** One message of a log. */
export interface LogEvent extends LinePrefix {
  /** The signature's. */
  readonly id: string;
  readonly layer: Layer;
  readonly effect?: Effect | undefined;
  /** The signature's named parts; `device` is always the modern name, `sda1`, and `address` is H:C:I:L. */
  readonly fields: Fields;
  /** What the kernel adds after the part that the signature knows. */
  readonly detail?: string | undefined;
  /** The logged message, without the line's prefix. */
  readonly text: string;
}

/** A kernel's message has at most 1 KB (LOG_LINE_MAX); of a line with many, so much is searched. */
const MAX_LINE = 16 * 1024;
const MAX_DETAIL = 240;

/** All messages in a text of one or more lines, in their order; one line may have several. */
export function logEvents(text: string): readonly LogEvent[] {
  return text.split(/\r?\n|\r/).flatMap((line) => lineEvents(line));
}

/**
 * All messages on one line. A message counts where the line begins, after its prefix, and where another message ends:
 * old kernels and the web put several on a line. What another program says it wrote has none. A longer line is cut at
 * 16 KiB.
 */
export function lineEvents(
  line: string,
  parse: (line: string) => ParsedLine = parseLine,
): readonly LogEvent[] {
  return lineRecords(line, parse).flatMap(({ prefix, text, found }) =>
    found.map((one, index) => event(text, one, found[index + 1]?.start ?? text.length, prefix)),
  );
}

/** The records on one line, each a prefix and the messages that follow it; usually there is one. */
function lineRecords(line: string, parse: (line: string) => ParsedLine): readonly LineRecord[] {
  const records: LineRecord[] = [];
  let rest: ParsedLine | undefined = parse(line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line);
  while (rest !== undefined && rest.prefix.writer !== 'another') {
    const { prefix, text }: ParsedLine = rest;
    const found = matches(text, prefix.writer);
    records.push({ prefix, text, found });
    rest = prefix.writer === 'kernel' ? undefined : nextRecord(rest, found.at(-1));
  }
  return records;
}

interface LineRecord extends ParsedLine {
  readonly found: readonly Match[];
}

/** A part of a line that is understood: what stands before a message, or one. */
export interface Explained {
  readonly start: number;
  readonly end: number;
  readonly isPrefix: boolean;
  /** What follows it on its line belongs to it, too. */
  readonly isOpen: boolean;
}

/** The parts of a line that are understood, in their order; undefined where nothing shows which they are. */
export function explained(line: string): readonly Explained[] | undefined {
  const spans: Explained[] = [];
  let from = 0;
  for (const { text, found } of lineRecords(line, parseLine)) {
    const start = line.length - text.length;
    if (!line.endsWith(text)) return undefined;
    if (start > from) spans.push({ start: from, end: start, isPrefix: true, isOpen: false });
    for (const one of found)
      spans.push({
        start: start + one.start,
        end: start + one.end,
        isPrefix: false,
        isOpen: one.signature.tail !== undefined,
      });
    from = start + (found.at(-1)?.end ?? 0);
  }
  return spans;
}

/** A further line of the log that stands on this one, as in a paragraph of a web page or a mail. */
function nextRecord({ prefix, text }: ParsedLine, last: Match | undefined): ParsedLine | undefined {
  if (last?.signature.tail === 'names') return undefined;
  const from = last?.end ?? 0;
  const directly = last === undefined ? undefined : prefixedAt(text, after(text, from));
  if (directly !== undefined) return directly;
  for (const { index } of text.slice(from, from + MAX_BETWEEN).matchAll(RECORD_START)) {
    if (!mayBeBetween(text.slice(from, from + index))) return undefined;
    const next = prefixedAt(text, from + index);
    if (next !== undefined && isAlike(prefix, next.prefix)) return next;
  }
  return undefined;
}

function prefixedAt(text: string, at: number): ParsedLine | undefined {
  if (at >= text.length) return undefined;
  const line = text.slice(at);
  const parsed = parseLine(line);
  return parsed.text.length < line.length ? parsed : undefined;
}

/** Where a line of a log may begin within a text: a date, or the kernel's time. */
const RECORD_START =
  /(?<=[\s.!\])])(?=<\d{1,3}>|\[ {0,8}\d{1,12}\.\d{6}\]|\d{4}-\d{2}-\d{2}[T ]|\[?[A-Z][a-z]{2} {1,2}(?:[A-Z][a-z]{2} {1,2})?\d{1,2} )/g;
/** The same anywhere: what stands behind it has a prefix of its own. */
const HAS_RECORD = new RegExp(RECORD_START.source);
const MAX_BETWEEN = 400;
/** What may be words that a user chose: in quotation marks, or behind a colon, or a file's or a program's name. */
const USERS_WORDS = /['"`]|[:=(] {0,9}$|\b(?:in|comm|name) {1,9}$/;

function mayBeBetween(text: string): boolean {
  return text.length <= MAX_BETWEEN && !USERS_WORDS.test(text);
}

/** Whether two prefixes on one line are of one log: they say the same things, and name the same host. */
function isAlike(one: LinePrefix, other: LinePrefix): boolean {
  return (
    one.host === other.host &&
    (one.time === undefined) === (other.time === undefined) &&
    (one.kernelSeconds === undefined) === (other.kernelSeconds === undefined) &&
    (one.time ?? one.kernelSeconds) !== undefined
  );
}

interface Match {
  readonly signature: Signature;
  readonly start: number;
  readonly end: number;
  readonly groups: Fields;
}

/** Each word of the table, and the signatures whose lines have it. */
const BY_WORD = new Map<string, Signature[]>();
for (const signature of SIGNATURES) {
  for (const needle of signature.needles) BY_WORD.set(needle, [...(BY_WORD.get(needle) ?? []), signature]);
}
const WORDS = wordSearch(squeezedWords([...BY_WORD.keys()]));
/** One buffer for all lines: a new one for each would be garbage that the collector does not see. */
const SCRATCH = Buffer.allocUnsafeSlow(MAX_LINE);
const SIGNATURES_OF_WORD = [...BY_WORD.values()];

/** The messages with which a text begins, each directly after the one before. */
function matches(text: string, writer: Writer | undefined): readonly Match[] {
  const candidates = new Set<Signature>();
  // The words are ASCII: anything else may be mangled here.
  const length = squeeze(SCRATCH, SCRATCH.write(text, 'latin1'), SCRATCH);
  WORDS.each(SCRATCH, length, (index) => {
    for (const signature of SIGNATURES_OF_WORD[index] ?? [])
      if (mayWrite(writer, signature)) candidates.add(signature);
  });
  const found: Match[] = [];
  for (let at = candidates.size === 0 ? -1 : after(text, 0); at !== -1; ) {
    const match = longestAt(text, at, candidates);
    if (match === undefined) break;
    found.push(match);
    const { tail } = match.signature;
    if (tail === 'names') break;
    at = tail === true ? nextAfter(text, match.end, candidates) : after(text, match.end);
    if (tail !== true && at < text.length && longestAt(text, at, candidates) === undefined)
      at = afterUnknown(text, at, candidates, writer);
  }
  return found;
}

/** multipathd says nothing for the kernel, nor the kernel for it; nor either of them for a hypervisor. */
function mayWrite(writer: Writer | undefined, { eras }: Signature): boolean {
  if (writer === undefined) return true;
  const [era] = eras;
  if (era === 'multipathd') return writer === 'multipathd';
  return era === 'esx' ? writer === 'vmkernel' : writer === 'kernel';
}

const BETWEEN = /[.!]{0,3}[ \t]*/y;

function after(text: string, end: number): number {
  BETWEEN.lastIndex = end;
  return BETWEEN.exec(text) === null ? end : BETWEEN.lastIndex;
}

/** Of two that fit the longer is the message. */
function longestAt(text: string, at: number, candidates: Iterable<Signature>): Match | undefined {
  let longest: Match | undefined;
  for (const signature of candidates) {
    const { pattern } = signature;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null || pattern.lastIndex <= (longest?.end ?? at)) continue;
    longest = { signature, start: at, end: pattern.lastIndex, groups: match.groups ?? {} };
  }
  return longest;
}

/**
 * Where the next message begins behind one that ends before its line does: there is what the table does not know, and then
 * perhaps more that it does. -1 where there is none.
 */
function afterUnknown(
  text: string,
  end: number,
  candidates: Iterable<Signature>,
  writer: Writer | undefined,
): number {
  if (writer === 'kernel') return -1;
  const at = nextAfter(text, end, candidates);
  return at !== -1 && mayBeBetween(text.slice(end, at)) && !HAS_RECORD.test(text.slice(end, at)) ? at : -1;
}

/** Where the next message begins, after a tail of the kernel's own words; -1 where there is none. */
function nextAfter(text: string, end: number, candidates: Iterable<Signature>): number {
  let first = -1;
  for (const { pattern } of candidates) {
    const anywhere = ANYWHERE.get(pattern) ?? new RegExp(pattern.source, 'g');
    ANYWHERE.set(pattern, anywhere);
    anywhere.lastIndex = end;
    const at = anywhere.exec(text)?.index ?? -1;
    if (at > end && /\s/.test(text.charAt(at - 1)) && (first === -1 || at < first)) first = at;
  }
  return first;
}

const ANYWHERE = new Map<RegExp, RegExp>();

function event(
  text: string,
  { signature, start, end, groups }: Match,
  next: number,
  prefix: LinePrefix,
): LogEvent {
  const { id, layer, effect, tail } = signature;
  const detail = tail !== undefined ? text.slice(end, Math.min(next, end + MAX_DETAIL)).trim() : '';
  return {
    ...prefix,
    id,
    layer,
    effect,
    fields: normalized(groups),
    detail: detail === '' ? undefined : detail,
    text: tail !== undefined ? `${text.slice(start, end)}${detail}`.trim() : text.slice(start, end).trim(),
  };
}

function normalized(groups: Fields): Fields {
  const fields: Partial<Record<FieldName, string>> = {};
  for (const name in groups) {
    const value = groups[name as FieldName];
    if (value !== undefined) fields[name as FieldName] = value;
  }
  const { kdev, devt, journal, address, host, id, lun } = fields;
  if (kdev !== undefined) fields.device = nameOfOldDevice(kdev);
  if (devt !== undefined) fields.device = nameOfNumbers(devt);
  if (journal !== undefined) fields.device = deviceOfJournal(journal);
  // RHEL 4's "scsi0 (0:0)" leaves the channel out; the adapters in question have one.
  if (address === undefined && host !== undefined && id !== undefined && lun !== undefined)
    fields.address = `${host}:${fields.channel ?? '0'}:${id}:${lun}`;
  return fields;
}
