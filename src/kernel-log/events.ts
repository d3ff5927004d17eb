import { MAX_BETWEEN, mayBeBetween, RECORD_START } from './between.ts';
import { deviceOfJournal, nameOfNumbers, nameOfOldDevice } from './devices.ts';
import type { LinePrefix, ParsedLine } from './line.ts';
import { after, MAX_LINE, type Match, matches } from './matches.ts';
import { parseLine } from './prefix.ts';
import type { Effect, FieldName, Fields, Layer } from './signature.ts';

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

/** Whether two prefixes on one line are of one log: they say the same things, and name the same host. */
function isAlike(one: LinePrefix, other: LinePrefix): boolean {
  return (
    one.host === other.host &&
    (one.time === undefined) === (other.time === undefined) &&
    (one.kernelSeconds === undefined) === (other.kernelSeconds === undefined) &&
    (one.time ?? one.kernelSeconds) !== undefined
  );
}

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
