import { deviceOfJournal, nameOfNumbers, nameOfOldDevice } from './devices.ts';
import { type LinePrefix, parseLine } from './prefix.ts';
import type { Effect, Fields, Layer, Signature } from './signature.ts';
import { SIGNATURES } from './signatures.ts';

/** One message of a log. */
export interface LogEvent extends LinePrefix {
  /** The signature's. */
  readonly id: string;
  readonly layer: Layer;
  readonly effect?: Effect;
  /** The signature's named parts; `device` is always the name of today, `sda1`, and `address` is H:C:I:L. */
  readonly fields: Fields;
  /** What the kernel says after the part that the signature knows. */
  readonly detail?: string;
  /** The message as it is logged, without the line's prefix. */
  readonly text: string;
}

/** A kernel's message has 1 KB at most (LOG_LINE_MAX); many on one line are looked for up to here. */
const MAX_LINE = 16 * 1024;
const MAX_DETAIL = 240;

/** All messages in a text of one or more lines, in their order, also where several stand on one line. */
export function logEvents(text: string): readonly LogEvent[] {
  return text.split(/\r?\n|\r/).flatMap((line) => lineEvents(line));
}

/** All messages on one line. A longer line is cut at 16 KiB. */
export function lineEvents(line: string): readonly LogEvent[] {
  const { prefix, text } = parseLine(line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line);
  return messageEvents(text, prefix);
}

/** All messages in what is left of a line without its prefix. */
export function messageEvents(text: string, prefix: LinePrefix): readonly LogEvent[] {
  const found = withoutOverlaps(matches(text));
  return found.map((one, index) => event(text, one, found[index + 1]?.start ?? text.length, prefix));
}

interface Match {
  readonly signature: Signature;
  readonly start: number;
  readonly end: number;
  readonly groups: Fields;
}

function matches(text: string): Match[] {
  const found: Match[] = [];
  for (const signature of SIGNATURES) {
    if (!signature.needles.some((needle) => text.includes(needle))) continue;
    for (const match of text.matchAll(signature.pattern)) {
      found.push({
        signature,
        start: match.index,
        end: match.index + match[0].length,
        groups: match.groups ?? {},
      });
    }
  }
  return found;
}

/** The first of two that overlap wins, of two at one place the longer. */
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
    ...(effect === undefined ? {} : { effect }),
    fields: normalized(groups),
    ...(detail === '' ? {} : { detail }),
    text: tail === true ? `${text.slice(start, end)}${detail}`.trim() : text.slice(start, end).trim(),
  };
}

function normalized(groups: Fields): Fields {
  const fields = Object.fromEntries(Object.entries(groups).filter(([, value]) => value !== undefined));
  const { kdev, devt, journal, address, host, channel, id, lun } = fields;
  return {
    ...fields,
    ...(kdev === undefined ? {} : { device: nameOfOldDevice(kdev) }),
    ...(devt === undefined ? {} : { device: nameOfNumbers(devt) }),
    ...(journal === undefined ? {} : { device: deviceOfJournal(journal) }),
    ...(address === undefined ? oldAddress(host, channel, id, lun) : {}),
  };
}

function oldAddress(host?: string, channel?: string, id?: string, lun?: string): Fields {
  if (host === undefined || id === undefined || lun === undefined) return {};
  // RHEL 4's "scsi0 (0:0)" leaves the channel out; the adapters in question have one.
  return { address: `${host}:${channel ?? '0'}:${id}:${lun}` };
}
