import { unreadDate } from './dates.ts';
import type { LinePrefix, ParsedLine, Writer } from './line.ts';
import { zonedTime } from './time.ts';

/** A record's message, and what it says of it. */
export interface JournalRecord extends ParsedLine {
  /** The message is a line of a log with a prefix of its own. */
  readonly isLine?: true;
}

/**
 * An entry of `journalctl -o json` (one line) or `-o export` (lines up to an empty one), or the message's line alone.
 * journald itself says by _TRANSPORT how a message came (systemd.journal-fields(7)); no sender can set it. In the export
 * form a message with line breaks can look like further fields, so that form proves nothing.
 */
export function journalRecord(line: string): JournalRecord | undefined {
  if (line.startsWith('{')) return jsonRecord(line);
  if (/^(?:__[A-Z_]{1,32}|MESSAGE)=/.test(line)) return exportRecord(line);
  return undefined;
}

function jsonRecord(line: string): JournalRecord | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof entry !== 'object' || entry === null) return undefined;
  const fields = entry as Readonly<Record<string, unknown>>;
  const { MESSAGE: message } = fields;
  if (message === undefined) return foreignRecord(fields);
  // A message that is not UTF-8 is an array of its bytes.
  const text = Array.isArray(message) ? Buffer.from(message.map(Number)).toString('latin1') : message;
  if (typeof text !== 'string') return undefined;
  const prefix = journalPrefix((name) => fields[name]);
  const isProved = prefix.writer === undefined && fields._TRANSPORT === 'kernel';
  return { prefix: isProved ? { ...prefix, writer: 'kernel' } : prefix, text };
}

/** Where docker's json-file, GELF, Logstash, Fluent Bit and rsyslog's templates put things; the first that is there counts. */
const PLACES = {
  message: ['log', 'message', 'msg', 'short_message', '_raw', 'text'],
  time: ['@timestamp', 'time', 'timestamp', 'timereported', 'ts', 'date'],
  host: ['hostname', 'host', 'fromhost', '_hostname'],
  program: ['program', 'programname', 'appname', 'app-name', 'ident', 'SYSLOG_IDENTIFIER'],
} as const;

/** A record of another program than journald: its message is a line of a log. */
function foreignRecord(fields: Readonly<Record<string, unknown>>): JournalRecord | undefined {
  const first = (place: keyof typeof PLACES): unknown =>
    PLACES[place].map((name) => fields[name]).find((value) => value !== undefined && value !== null);
  const message = first('message');
  if (typeof message !== 'string') return undefined;
  const [host, program] = [first('host'), first('program')];
  const isAnother = typeof program === 'string' && program !== 'kernel' && program !== '';
  const prefix: LinePrefix = {
    ...foreignTime(first('time')),
    ...(typeof host === 'string' ? { host } : {}),
    ...(isAnother ? { writer: 'another' as const } : {}),
  };
  return { prefix, text: message.replace(/[\r\n]+$/, ''), isLine: true };
}

/** RFC 3339, or seconds or milliseconds since the epoch. */
function foreignTime(time: unknown): LinePrefix {
  if (typeof time === 'string') {
    const ms = /^\d{4}-\d{2}-\d{2}T/.test(time) ? Date.parse(time) : Number.NaN;
    if (Number.isFinite(ms)) return { time: { kind: 'absolute', ms }, stamp: time };
    const unread = unreadDate(time);
    return unread === undefined ? {} : { unread };
  }
  if (typeof time !== 'number' || !Number.isFinite(time)) return {};
  return { time: { kind: 'absolute', ms: time < 1e11 ? time * 1000 : time }, stamp: String(time) };
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
  const verbose = String(field('__VERBOSE_DATE') ?? '');
  return {
    ...(verbose === '' ? {} : verboseDate(verbose)),
    writer: journalWriter(field('_TRANSPORT'), field('SYSLOG_FACILITY'), field('SYSLOG_IDENTIFIER')),
    ...(Number.isFinite(micros) ? { time: { kind: 'absolute' as const, ms: micros / 1000 } } : {}),
    host: typeof host === 'string' ? host : undefined,
    kernelSeconds: Number.isFinite(monotonic) ? monotonic / 1e6 : undefined,
  };
}

/** `2008-06-12 11:20:00.123456 CEST`, the date of `-o verbose` (`reshape.ts` puts it into a field). */
function verboseDate(stamp: string): LinePrefix {
  const { groups } =
    /^(?<date>\S{10}) (?<clock>[\d:]{8})(?:\.(?<fraction>\d{1,9}))?(?: (?<zone>UTC|GMT|[+-]\d{2}:?\d{2}))?/.exec(
      stamp,
    ) ?? {};
  return { time: zonedTime({ ...groups }), stamp };
}

/** What root writes into /dev/kmsg comes by the kernel too, but with another facility than its own, 0. */
function journalWriter(transport: unknown, facility: unknown, program: unknown): Writer | undefined {
  if (program === 'multipathd') return 'multipathd';
  const isAnother = (transport ?? 'kernel') !== 'kernel' || String(facility ?? '0') !== '0';
  return isAnother ? 'another' : undefined;
}
