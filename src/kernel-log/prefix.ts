import { defined } from '../optional.ts';
import { type Groups, type LogTime, localTime, zonedTime } from './time.ts';

/** What comes before a kernel's message in a line of a log. */
export interface LinePrefix {
  readonly time?: LogTime | undefined;
  readonly host?: string | undefined;
  /** Seconds since the kernel started. */
  readonly kernelSeconds?: number | undefined;
  /** How often the message came, where syslogd wrote it once with a count. */
  readonly repeated?: number;
}

export interface ParsedLine {
  readonly prefix: LinePrefix;
  /** The message. */
  readonly text: string;
}

/** One form in which a line may begin; what follows it is tried with the later forms. */
interface PrefixForm {
  readonly pattern: RegExp;
  /** Evaluates the match; absent where it says nothing that matters. */
  readonly read?: (groups: Groups) => LinePrefix;
  /** The text after it is escaped as in /dev/kmsg. */
  readonly escaped?: true;
}

function sticky(strings: TemplateStringsArray, ...parts: readonly string[]): RegExp {
  return new RegExp(String.raw(strings, ...parts), 'y');
}

const ISO = String.raw`(?<date>\d{4}-\d{2}-\d{2})[T ](?<clock>\d{2}:\d{2}:\d{2})(?:[.,](?<fraction>\d{1,9}))?(?<zone>Z|[+-]\d{2}:?\d{2})?`;
const BSD = String.raw`(?<month>[A-Z][a-z]{2}) {1,2}(?<day>\d{1,2}) (?:(?<year>\d{4}) )?(?<clock>\d{2}:\d{2}:\d{2})(?:\.(?<fraction>\d{1,9}))?`;
/** A program's tag, `kernel:`, is no host, and neither is busybox syslogd's `kern.err`. */
const HOST = String.raw`(?<host>(?![\w./-]{1,64}(?:\[\d{1,10}\])?: |(?:kern|user|daemon)\.)[\w.:@%-]{1,255})`;

/** Tried in this order, each once, where the last one ended. */
const FORMS: readonly PrefixForm[] = [
  // RFC 3164 and printk: the priority.
  { pattern: /<\d{1,3}>(?:1 )?/y },
  // Documentation/ABI/testing/dev-kmsg; netconsole's extended form is the same.
  {
    pattern: /\d{1,5},\d{1,20},(?<micros>\d{1,20}),[^;\n]{0,256};/y,
    read: ({ micros }) => ({ kernelSeconds: Number(micros) / 1e6 }),
    escaped: true,
  },
  // dmesg --decode.
  { pattern: /[a-z]{3,8} {0,4}:[a-z]{3,6} {0,4}: /y },
  // journalctl -o short-full.
  { pattern: sticky`[A-Z][a-z]{2} ${ISO}(?: [A-Z]{2,5})? ${HOST} `, read: dated(zonedTime) },
  // rsyslog's and syslog-ng's ISO form, RFC 5424, journalctl -o short-iso, dmesg --time-format iso (which has no host).
  {
    pattern: sticky`${ISO} (?:${HOST} (?=[\w./-]{1,64}(?:\[\d{1,10}\])?: |\[ ?|[\w./-]{1,64} (?:\d{1,10}|-) ))?`,
    read: dated(zonedTime),
  },
  // journalctl -o short-unix.
  {
    pattern: sticky`(?<unix>\d{9,11}\.\d{6}) ${HOST} `,
    read: dated(({ unix }) => ({ kind: 'absolute', ms: Number(unix) * 1000 })),
  },
  // RFC 3164, journalctl -o short and short-precise; some syslogs write the year.
  { pattern: sticky`${BSD} (?:${HOST} )?`, read: dated(localTime) },
  // dmesg -T.
  {
    pattern:
      /\[[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) {1,2}(?<day>\d{1,2}) (?<clock>\d{2}:\d{2}:\d{2}) (?<year>\d{4})\] /y,
    read: dated(localTime),
  },
  // RFC 5424: APP-NAME PROCID MSGID STRUCTURED-DATA.
  { pattern: /[\w./-]{1,48} (?:\d{1,10}|-) (?:[\w.-]{1,32}) (?:-|\[[^\]\n]{1,512}\]) (?:\uFEFF)?/y },
  // busybox syslogd: the facility.
  { pattern: /(?:kern|user|daemon)\.[a-z]{3,7} /y },
  // The program's tag.
  { pattern: /(?:kernel|klogd|multipathd|multipath)(?:\[\d{1,10}\])?: {1,2}/y },
  // rsyslog 5 and later: "message repeated 5 times: [ … ]".
  {
    pattern: /message repeated (?<count>\d{1,9}) times: \[ ?/y,
    read: ({ count }) => ({ repeated: Number(count) }),
  },
  // printk's time.
  {
    pattern: /\[ {0,8}(?<seconds>\d{1,12}\.\d{6})\] ?/y,
    read: ({ seconds }) => ({ kernelSeconds: Number(seconds) }),
  },
  // CONFIG_PRINTK_CALLER.
  { pattern: /\[ {0,8}[TC]\d{1,10}\] /y },
  // dmesg --reltime.
  { pattern: /\[(?:[A-Z][a-z]{2}\d{1,2} \d{2}:\d{2}| {0,8}\+\d{1,9}\.\d{6})\] /y },
];

/** Splits one line of any log with kernel messages into time, host and the like, and the message. */
export function parseLine(line: string): ParsedLine {
  const record = journalRecord(line);
  if (record !== undefined) return record;
  let at = 0;
  const prefix: { -readonly [Key in keyof LinePrefix]: LinePrefix[Key] } = {};
  let escaped = false;
  for (const form of FORMS) {
    form.pattern.lastIndex = at;
    const match = form.pattern.exec(line);
    if (match === null) continue;
    at = form.pattern.lastIndex;
    Object.assign(prefix, form.read?.(match.groups ?? {}));
    escaped ||= form.escaped === true;
  }
  const text = line.endsWith('\r') ? line.slice(at, -1) : line.slice(at);
  return { prefix, text: escaped ? unescapeKmsg(text) : text };
}

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
  return (groups) => defined({ time: timeOf(groups), host: groups.host });
}

/** The kernel writes what is not printable as \xHH. */
function unescapeKmsg(text: string): string {
  return text.replace(/\\x([\da-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** An entry of `journalctl -o json` (one line) or `-o export` (lines up to an empty one), or the message's line alone. */
function journalRecord(line: string): ParsedLine | undefined {
  if (line.startsWith('{')) return jsonRecord(line);
  if (/^(?:__[A-Z_]{1,32}|MESSAGE)=/.test(line)) return exportRecord(line);
  return undefined;
}

function jsonRecord(line: string): ParsedLine | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof entry !== 'object' || entry === null) return undefined;
  const fields = entry as Readonly<Record<string, unknown>>;
  const { MESSAGE: message } = fields;
  // A message that is not UTF-8 is an array of its bytes.
  const text = Array.isArray(message) ? Buffer.from(message.map(Number)).toString('latin1') : message;
  if (typeof text !== 'string') return undefined;
  return { prefix: journalPrefix((name) => fields[name]), text };
}

function exportRecord(record: string): ParsedLine | undefined {
  const value = (name: string): string | undefined =>
    new RegExp(String.raw`^${name}=([^\n]{0,16384})`, 'm').exec(record)?.[1];
  const text = value('MESSAGE');
  return text === undefined ? undefined : { prefix: journalPrefix(value), text };
}

function journalPrefix(field: (name: string) => unknown): LinePrefix {
  const micros = Number(field('__REALTIME_TIMESTAMP') ?? Number.NaN);
  const host = field('_HOSTNAME');
  const monotonic = Number(field('_SOURCE_MONOTONIC_TIMESTAMP') ?? Number.NaN);
  return {
    time: Number.isFinite(micros) ? { kind: 'absolute', ms: micros / 1000 } : undefined,
    host: typeof host === 'string' ? host : undefined,
    kernelSeconds: Number.isFinite(monotonic) ? monotonic / 1e6 : undefined,
  };
}
