import type { LinePrefix, ParsedLine, Writer } from './line.ts';

/**
 * An entry of `journalctl -o json` (one line) or `-o export` (lines up to an empty one), or the message's line alone.
 * journald itself says by _TRANSPORT how a message came (systemd.journal-fields(7)); no sender can set it. In the export
 * form a message with line breaks can look like further fields, so that form proves nothing.
 */
export function journalRecord(line: string): ParsedLine | undefined {
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
  const prefix = journalPrefix((name) => fields[name]);
  const isProved = prefix.writer === undefined && fields._TRANSPORT === 'kernel';
  return { prefix: isProved ? { ...prefix, writer: 'kernel' } : prefix, text };
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
    writer: journalWriter(field('_TRANSPORT'), field('SYSLOG_FACILITY'), field('SYSLOG_IDENTIFIER')),
    time: Number.isFinite(micros) ? { kind: 'absolute', ms: micros / 1000 } : undefined,
    host: typeof host === 'string' ? host : undefined,
    kernelSeconds: Number.isFinite(monotonic) ? monotonic / 1e6 : undefined,
  };
}

/** What root writes into /dev/kmsg comes by the kernel too, but with another facility than its own, 0. */
function journalWriter(transport: unknown, facility: unknown, program: unknown): Writer | undefined {
  if (program === 'multipathd') return 'multipathd';
  const isAnother = (transport ?? 'kernel') !== 'kernel' || String(facility ?? '0') !== '0';
  return isAnother ? 'another' : undefined;
}
