import { defined } from '../optional.ts';
import { DATE_FORMS, unreadDate } from './dates.ts';
import { journalRecord } from './journal-record.ts';
import type { LinePrefix, ParsedLine } from './line.ts';
import { cellsOf, readCells } from './table-record.ts';
import { type Groups, type LogTime, localTime, zonedTime } from './time.ts';

/** One form in which a line may begin; what follows it is tried with the later forms. */
interface PrefixForm {
  readonly pattern: RegExp;
  /** Evaluates the match; absent where it says nothing that matters. */
  readonly read?: (groups: Groups) => LinePrefix;
  /** The text after it is escaped as in /dev/kmsg, and is the message: no further form may follow. */
  readonly escaped?: true;
  /** `syslog`: a program's tag must follow. `tag`: it is that tag, or what stands for it. */
  readonly role?: 'syslog' | 'tag';
  /** One of all the forms of dates: only where the line has no time yet. */
  readonly isDate?: true;
}

function sticky(strings: TemplateStringsArray, ...parts: readonly string[]): RegExp {
  return new RegExp(String.raw(strings, ...parts), 'y');
}

const ISO = String.raw`(?<stamp>(?<date>\d{4}-\d{2}-\d{2})[T ](?<clock>\d{2}:\d{2}:\d{2})(?:[.,](?<fraction>\d{1,9}))?(?<zone>Z|[+-]\d{2}:?\d{2}| (?:[+-]\d{4}|UTC|GMT)(?= ))?)`;
const BSD = String.raw`(?<stamp>(?<month>[A-Z][a-z]{2}) {1,2}(?<day>\d{1,2}) (?:(?<year>\d{4}) )?(?<clock>\d{2}:\d{2}:\d{2})(?:\.(?<fraction>\d{1,9}))?)`;
/** A program's tag, `kernel:`, is no host, and neither is busybox syslogd's `kern.err`. */
const HOST = String.raw`(?<host>(?![\w./-]{1,64}(?:\[\d{1,10}\])?: |(?:kern|user|daemon)\.)[\w.:@%-]{1,255})`;

/** What stands behind a host: a program's tag, a severity, busybox's facility, or printk's time. */
const AFTER_HOST = String.raw`[\w.\/\-]{1,64}(?:\[\d{1,10}\])?: |\[ ?|(?:kern|user|daemon)\.|(?:EMERG|ALERT|CRIT|ERR|ERROR|WARN|WARNING|NOTICE|INFO|DEBUG) `;
const LEVEL = '(?:(?:EMERG|ALERT|CRIT|ERR|ERROR|WARN|WARNING|NOTICE|INFO|DEBUG) )?';

/** syslog(2): the facility is the priority without its last three bits, and the kernel's is 0. */
const isOfKernel = (priority: string | undefined): boolean => Number(priority ?? 0) >> 3 === 0;
const ifAnother = (isAnother: boolean): LinePrefix => (isAnother ? { writer: 'another' } : {});

/** Tried in this order, each once, where the last one ended. */
const FORMS: readonly PrefixForm[] = [
  // A quotation in a mail, `grep -n` and `grep -H`.
  { pattern: /(?:> ?){1,8}(?=\S)/y },
  { pattern: /(?:[\w./-]{1,200}:)?\d{1,9}:(?=[^\d ]|\d{4}-\d{2}-)/y },
  // RFC 3164 and printk: the priority.
  {
    pattern: /<(?<priority>\d{1,3})>(?:1 )?/y,
    read: ({ priority }) => ifAnother(!isOfKernel(priority)),
  },
  // Documentation/ABI/testing/dev-kmsg; netconsole's extended form is the same.
  {
    pattern: /(?<priority>\d{1,5}),\d{1,20},(?<micros>\d{1,20}),[^;\n]{0,256};/y,
    read: ({ priority, micros }) => ({
      kernelSeconds: Number(micros) / 1e6,
      writer: isOfKernel(priority) ? 'kernel' : 'another',
    }),
    escaped: true,
  },
  // dmesg --decode.
  {
    pattern: /(?<facility>[a-z]{3,8}) {0,4}:[a-z]{3,6} {0,4}: /y,
    read: ({ facility }) => ifAnother(facility !== 'kern'),
  },
  // journalctl -o short-full.
  {
    pattern: sticky`[A-Z][a-z]{2} ${ISO}(?: (?<zoneName>[A-Z]{2,5}))? ${HOST} `,
    read: dated(zonedTime),
    role: 'syslog',
  },
  // rsyslog's and syslog-ng's ISO form, RFC 5424, journalctl -o short-iso, dmesg --time-format iso (which has no host).
  {
    pattern: sticky`${ISO} (?:${HOST} (?=[\w./-]{1,64}(?:\[\d{1,10}\])?: |\[ ?|[\w./-]{1,64} (?:\d{1,10}|-) ))?`,
    read: dated(zonedTime),
    role: 'syslog',
  },
  // journalctl -o short-unix.
  {
    pattern: sticky`(?<stamp>(?<unix>\d{9,11}\.\d{6})) ${HOST} `,
    read: dated(({ unix }) => ({ kind: 'absolute', ms: Number(unix) * 1000 })),
    role: 'syslog',
  },
  // RFC 3164, journalctl -o short and short-precise; some syslogs write the year, some the severity.
  {
    pattern: sticky`${BSD} (?:${HOST} )?(?:(?:EMERG|ALERT|CRIT|ERR|ERROR|WARN|WARNING|NOTICE|INFO|DEBUG) )?`,
    read: dated(localTime),
    role: 'syslog',
  },
  // dmesg -d beside -T or --color.
  { pattern: /\[ {0,8}\+\d{1,9}\.\d{1,6}\] (?=\[)/y },
  // dmesg -T.
  {
    pattern:
      /\[(?<stamp>[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) {1,2}(?<day>\d{1,2}) (?<clock>\d{2}:\d{2}:\d{2}) (?<year>\d{4}))(?: < {0,9}\d{1,9}\.\d{6}>)?\] /y,
    read: dated(localTime),
  },
  // All other dates, in brackets or not: `dates.ts`. What follows is as with syslog.
  ...DATE_FORMS.map(
    ({ pattern, read }): PrefixForm => ({
      pattern: new RegExp(
        String.raw`\[(?<stamp>${pattern})(?: < {0,9}\d{1,9}\.\d{6}>)?\](?:: | {1,2}|$)`,
        'uy',
      ),
      read: dated(read),
      isDate: true,
    }),
  ),
  ...DATE_FORMS.map(
    ({ pattern, read }): PrefixForm => ({
      pattern: new RegExp(
        `(?<stamp>${pattern})(?: {1,2}|: )(?:${HOST} {1,2}(?=${AFTER_HOST}))?${LEVEL}`,
        'uy',
      ),
      read: dated(read),
      role: 'syslog',
      isDate: true,
    }),
  ),
  // journalctl -o short-monotonic and short-delta.
  {
    pattern: sticky`\[ {0,8}(?<seconds>\d{1,12}\.\d{6})(?: < {0,9}\d{1,9}\.\d{6} ?>)?\] ${HOST} (?=(?:kernel|multipathd)(?:\[\d{1,10}\])?: )`,
    read: ({ seconds, host }) => defined({ kernelSeconds: Number(seconds), host }),
    role: 'syslog',
  },
  // RFC 5424: APP-NAME PROCID MSGID STRUCTURED-DATA.
  {
    pattern:
      /(?<program>[\w./-]{1,48}) (?:\d{1,10}|-) (?:[\w.-]{1,32}) (?:-|\[[^\]\n]{1,512}\]) (?:\uFEFF)?/y,
    read: ({ program }) => writtenBy(program),
    role: 'tag',
  },
  // busybox syslogd: the facility.
  {
    pattern: /(?<facility>kern|user|daemon)\.[a-z]{3,7} /y,
    read: ({ facility }) => ifAnother(facility !== 'kern'),
  },
  // The program's tag.
  {
    pattern: /(?<program>kernel|klogd|multipathd|multipath|vmkernel|vmkwarning)(?:\[\d{1,10}\])?: {1,2}/y,
    read: ({ program }) => writtenBy(program),
    role: 'tag',
  },
  // vmkernel: ESX 4 writes how long it runs; then the processor and the world.
  {
    pattern:
      /(?:(?:[A-Z][a-z]\(\d{1,3}\) )?vmkernel: )?(?:\d{1,4}:\d{2}:\d{2}:\d{2}\.\d{3} )?cpu\d{1,4}:\d{1,9}(?: opID=[\w-]{1,64})?\)/y,
    read: () => ({ writer: 'vmkernel' }),
    role: 'tag',
  },
  // rsyslog 5 and later: "message repeated 5 times: [ … ]".
  {
    pattern: /message repeated (?<count>\d{1,9}) times: \[ ?/y,
    read: ({ count }) => ({ repeated: Number(count) }),
  },
  // printk's time.
  {
    pattern: /\[ {0,8}(?<seconds>\d{1,12}\.\d{6})\] ?/y,
    read: ({ seconds }) => ({ kernelSeconds: Number(seconds) }),
    role: 'tag',
  },
  // CONFIG_PRINTK_CALLER.
  { pattern: /\[ {0,8}[TC]\d{1,10}\] /y },
  // dmesg --reltime.
  { pattern: /\[(?:[A-Z][a-z]{2}\d{1,2} \d{2}:\d{2}| {0,8}\+\d{1,9}\.\d{6})\] /y },
];

/** `-` is RFC 5424's word for none. */
function writtenBy(program: string | undefined): LinePrefix {
  if (program?.startsWith('multipath') === true) return { writer: 'multipathd' };
  if (program?.startsWith('vmk') === true) return { writer: 'vmkernel' };
  return ifAnother(program !== 'kernel' && program !== 'klogd' && program !== '-');
}

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
  for (const form of FORMS) {
    if (form.isDate === true && (prefix.stamp !== undefined || prefix.kernelSeconds !== undefined)) continue;
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

/** Reads a form that has a time and perhaps a host. */
function dated(timeOf: (groups: Groups) => LogTime | undefined): (groups: Groups) => LinePrefix {
  return (groups) => {
    const time = timeOf(groups);
    const stamp = [groups.stamp, groups.zoneName].filter((part) => part !== undefined).join(' ');
    const unread = time === undefined ? unreadDate(stamp) : undefined;
    return defined({ time, stamp, unread, host: groups.host });
  };
}

/** The kernel writes what is not printable as \xHH. */
function unescapeKmsg(text: string): string {
  return text.replace(/\\x([\da-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
