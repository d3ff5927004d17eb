import { deviceOfJournal, nameOfNumbers, nameOfOldDevice } from './devices.ts';
import { type LinePrefix, type ParsedLine, parseLine } from './prefix.ts';
import type { Effect, FieldName, Fields, Layer, Signature } from './signature.ts';
import { SIGNATURES } from './signatures.ts';
import { wordSearch } from './words.ts';

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

/** All messages on one line. A longer line is cut at 16 KiB. */
export function lineEvents(
  line: string,
  parse: (line: string) => ParsedLine = parseLine,
): readonly LogEvent[] {
  const { prefix, text } = parse(line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line);
  const found = withoutOverlaps(matches(text));
  return found.map((one, index) => event(text, one, found[index + 1]?.start ?? text.length, prefix));
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
const WORDS = wordSearch([...BY_WORD.keys()]);
/** One buffer for all lines: a new one for each would be garbage that the collector does not see. */
const SCRATCH = Buffer.allocUnsafeSlow(MAX_LINE);
const SIGNATURES_OF_WORD = [...BY_WORD.values()];

function matches(text: string): Match[] {
  const candidates = new Set<Signature>();
  // The words are ASCII: anything else may be mangled here.
  const length = SCRATCH.write(text, 'latin1');
  WORDS.each(SCRATCH, length, (index) => {
    for (const signature of SIGNATURES_OF_WORD[index] ?? []) candidates.add(signature);
  });
  const found: Match[] = [];
  for (const signature of candidates) {
    const { pattern } = signature;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      found.push({ signature, start: match.index, end: pattern.lastIndex, groups: match.groups ?? {} });
    }
  }
  return found;
}

/** Of two that overlap the first wins, of two at one place the longer. */
function withoutOverlaps(found: Match[]): readonly Match[] {
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  let end = 0;
  return found.filter((match) => {
    if (match.start < end) return false;
    end = match.end;
    return true;
  });
}

function event(
  text: string,
  { signature, start, end, groups }: Match,
  next: number,
  prefix: LinePrefix,
): LogEvent {
  const { id, layer, effect, tail } = signature;
  const detail = tail === true ? text.slice(end, Math.min(next, end + MAX_DETAIL)).trim() : '';
  return {
    ...prefix,
    id,
    layer,
    effect,
    fields: normalized(groups),
    detail: detail === '' ? undefined : detail,
    text: tail === true ? `${text.slice(start, end)}${detail}`.trim() : text.slice(start, end).trim(),
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
