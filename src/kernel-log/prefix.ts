import { defined } from '../optional.ts';
import { DATE_FORMS, unreadDate } from './dates.ts';
import { journalRecord } from './journal-record.ts';
import type { LinePrefix, ParsedLine } from './line.ts';
import { dated, ifAnother, PREFIX_FORMS } from './prefix-forms.ts';
import { cellsOf, readCells } from './table-record.ts';

/** No date is longer, and each has a clock. */
const MAX_DATE = 64;
const CLOCK = /\d:\d{2}/;
const ESCAPE = '\u001b';
/** As `dmesg --color` writes them. */
const COLOURS = new RegExp(String.raw`${ESCAPE}\[[\d;]{0,16}m`, 'g');
/** journalctl and dmesg indent what follows a line break in a message by as much as their prefix is wide. */
const CONTINUED = /^[ \t]{12}/;
/** In a form that is not known, what has a time and ends with the kernel's tag; a quotation mark may begin a user's words. */
const UP_TO_TAG =
  /^[^'"`\n]{0,100}?\d{2}:\d{2}:\d{2}[^'"`\n]{0,80}?\bkernel: {1,2}(?:\[ {0,8}\d{1,12}\.\d{6}\] ?)?/;

/**
 * Splits one line of any log with kernel messages into time, host and the like, and the message. A line of syslog
 * without the kernel's or multipathd's tag is another's, and so is one that goes on with the message before it.
 */
export function parseLine(raw: string): ParsedLine {
  const record = journalRecord(raw);
  if (record !== undefined) return record.isLine === true ? within(record) : record;
  const line = raw.includes(ESCAPE) ? raw.replace(COLOURS, '') : raw;
  let at = line.length - line.trimStart().length;
  const start = at;
  const prefix: { -readonly [Key in keyof LinePrefix]: LinePrefix[Key] } = {};
  let escaped = false;
  let untagged = false;
  let isLater = false;
  let hasClock: boolean | undefined;
  for (const form of PREFIX_FORMS) {
    if (form.isDate === true) {
      if (prefix.stamp !== undefined || prefix.kernelSeconds !== undefined) continue;
      hasClock ??= CLOCK.test(line.slice(at, at + MAX_DATE));
      if (!hasClock) continue;
    }
    form.pattern.lastIndex = at;
    const match = form.pattern.exec(line);
    if (match === null) continue;
    at = form.pattern.lastIndex;
    const { writer = prefix.writer, ...read } = form.read?.(match.groups ?? {}) ?? {};
    Object.assign(prefix, read);
    if (writer !== undefined) prefix.writer = writer;
    // Local lines of dmesg have a time, and neither a host nor a tag.
    if (form.role !== undefined) untagged = form.role === 'syslog' && prefix.host !== undefined;
    escaped = form.escaped === true;
    if (escaped) break;
  }
  if (prefix.stamp === undefined && prefix.kernelSeconds === undefined && prefix.writer === undefined) {
    const head = UP_TO_TAG.exec(line.slice(at))?.[0];
    const table = head === undefined && at === start ? tableLine(line) : undefined;
    if (table !== undefined) return table;
    if (head !== undefined) Object.assign(prefix, dateWithin(head));
    at += head?.length ?? 0;
    isLater = head !== undefined;
  }
  if (untagged || CONTINUED.test(line)) prefix.writer = 'another';
  const text = line.endsWith('\r') ? line.slice(at, -1) : line.slice(at);
  return { prefix, text: escaped ? unescapeKmsg(text) : text, ...(isLater ? { isLater } : {}) };
}

/** A line in a record of docker's or of a log server's, with what the record says where the line does not. */
function within({ prefix, text }: ParsedLine): ParsedLine {
  const inner = parseLine(text);
  const isDated = inner.prefix.time !== undefined || inner.prefix.unread !== undefined;
  const dates = isDated ? {} : defined({ time: prefix.time, stamp: prefix.stamp, unread: prefix.unread });
  const host = inner.prefix.host ?? prefix.host;
  const writer = prefix.writer ?? inner.prefix.writer;
  return { prefix: { ...inner.prefix, ...dates, ...defined({ host, writer }) }, text: inner.text };
}

/** A line of a table; undefined where it is none. */
function tableLine(line: string): ParsedLine | undefined {
  const cells = cellsOf(line);
  const read = cells === undefined ? undefined : readCells(cells);
  if (read === undefined) return undefined;
  const { message, date, host, isOfKernel } = read;
  const inner = parseLine(message);
  const isTagged = inner.text.length < message.length;
  return within({
    prefix: { ...dateWithin(date), ...defined({ host }), ...ifAnother(isOfKernel === false && !isTagged) },
    text: message,
  });
}

/** The date in a text; where it cannot be read, at least whether two lines have the same one. */
function dateWithin(text: string): LinePrefix {
  for (const { pattern, read } of DATES_ANYWHERE) {
    const match = pattern.exec(text);
    const found = match === null ? undefined : dated(read)(match.groups ?? {});
    if (found?.time !== undefined) return found;
  }
  return defined({ unread: unreadDate(text) });
}

const DATES_ANYWHERE = DATE_FORMS.map(({ pattern, read }) => ({
  pattern: new RegExp(String.raw`(?<![\p{L}\d])(?<stamp>${pattern})`, 'u'),
  read,
}));

/**
 * `parseLine` for the lines of one log, in their order: in a storm of errors most lines begin like the one before, to the
 * second, and then share its prefix, the very same object.
 */
export function lineParser(): (line: string) => ParsedLine {
  let start = '';
  let prefix: LinePrefix = {};
  return (line) => {
    if (start !== '' && line.startsWith(start)) {
      const text = line.slice(start.length);
      if (MESSAGE_START.test(text)) return { prefix, text };
    }
    const parsed = parseLine(line);
    const known = line.endsWith(parsed.text) && parsed.prefix.kernelSeconds === undefined;
    start = known ? line.slice(0, line.length - parsed.text.length) : '';
    prefix = parsed.prefix;
    return parsed;
  };
}

/** A text that begins so is a message: no form above would take it for more of the prefix. */
const MESSAGE_START =
  /^(?:end_request|blk_|print_req|[A-Z]{3}|Buffer|Aborting|sd |lost|mpt|I\/O|device|ext3_|journal|Remounting)/;

/** The kernel writes what is not printable as \xHH. */
function unescapeKmsg(text: string): string {
  return text.replace(/\\x([\da-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
