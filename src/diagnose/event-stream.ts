import { type LogEvent, lineEvents } from '../kernel-log/events.ts';
import type { LinePrefix } from '../kernel-log/line.ts';
import { lineParser, parseLine } from '../kernel-log/prefix.ts';
import { type LineScanner, lineScanner } from '../kernel-log/scan.ts';
import { absoluteTime, type ClockSettings, type LogTime } from '../kernel-log/time.ts';
import type { PartProblem } from './incident.ts';
import type { LogPart, LogSource } from './sources.ts';

/** A message, and when it was logged. */
export interface TimedEvent {
  readonly event: LogEvent;
  /** Milliseconds since the epoch; null where the log does not say. */
  readonly at: number | null;
  readonly source: string;
  /** Another log has had this very message before. */
  readonly again?: true;
}

export interface StreamSettings {
  readonly zone?: string | undefined;
  /** Called for a part that cannot be read, or (`partly`) not to its end; the others are still read. */
  readonly onProblem: (problem: PartProblem) => void;
  /** Called for each part before it is read. */
  readonly onPart?: ((part: LogPart) => void) | undefined;
}

/** sysklogd's own line. */
const REPEATED = /^(?:-- )?last message repeated (\d{1,9}) times?(?: --)?\s*$/;
/**
 * In a log of nothing but errors this much is a hundred events. With more, so many would be alive at each garbage
 * collection that V8 takes 100 MB more for its young generation.
 */
const PIECE_BYTES = 8 * 1024;
const EXPORT_START = Buffer.from('__CURSOR=');

/** A source's messages, oldest part first, in batches of one piece of a file. */
export async function* sourceEvents(
  source: LogSource,
  settings: StreamSettings,
): AsyncGenerator<readonly TimedEvent[]> {
  for (const part of source.parts) {
    settings.onPart?.(part);
    yield* partEvents(source, part, settings);
  }
}

async function* partEvents(
  source: LogSource,
  part: LogPart,
  { zone, onProblem }: StreamSettings,
): AsyncGenerator<readonly TimedEvent[]> {
  const clock: ClockSettings = { until: part.until, zone };
  let batch: TimedEvent[] = [];
  let lastAt: number | null = null;
  let lastTime: LogTime | undefined;
  /** The last message of the last line that had any. */
  let last: TimedEvent | undefined;
  const parse = source.ofKernel === true ? kernelLines(lineParser()) : lineParser();
  const onLine = (line: string, next: boolean): void => {
    const repeated = line.includes('last message') ? repetitions(line) : undefined;
    if (repeated !== undefined) {
      if (next && last !== undefined)
        batch.push({ ...last, event: { ...last.event, repeated: Number(repeated) } });
      return;
    }
    last = undefined;
    for (const event of lineEvents(line, parse)) {
      if (event.time === undefined || event.time !== lastTime)
        lastAt = timeOf(event, source, clock) ?? lastAt;
      lastTime = event.time;
      const named =
        event.host === undefined && source.host !== undefined ? { ...event, host: source.host } : event;
      last = { event: named, at: lastAt, source: source.name };
      batch.push(last);
    }
  };

  let scanner: LineScanner | undefined;
  try {
    for await (const chunk of part.open()) {
      scanner ??= lineScanner(onLine, recordEnd(chunk));
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        scanner.write(chunk.subarray(at, at + PIECE_BYTES));
        if (batch.length === 0) continue;
        yield batch;
        batch = [];
      }
    }
  } catch (error) {
    // What came before still counts, to its last line.
    const problem = error instanceof Error ? error.message : String(error);
    onProblem({ part: part.name, problem, partly: scanner !== undefined });
  }
  scanner?.end();
  if (batch.length > 0) yield batch;
}

type Parser = ReturnType<typeof lineParser>;

/** Of a log that is checked: what has the kernel's tag is the kernel's, what has no prefix goes on with another line. */
function kernelLines(parse: Parser): Parser {
  let last: LinePrefix = {};
  let proved: LinePrefix = {};
  return (line) => {
    const { prefix, text } = parse(line);
    if (prefix.writer !== undefined) return { prefix, text };
    if (prefix !== last) {
      last = prefix;
      proved = { ...prefix, writer: prefix.host === undefined ? 'another' : 'kernel' };
    }
    return { prefix: proved, text };
  };
}

/** How often the message before came again, if syslogd says that; the kernel says no such thing. */
function repetitions(line: string): string | undefined {
  const { prefix, text } = parseLine(line);
  return prefix.writer === 'kernel' ? undefined : REPEATED.exec(text)?.[1];
}

function recordEnd(start: Uint8Array): '\n' | '\n\n' {
  return EXPORT_START.equals(start.subarray(0, EXPORT_START.length)) ? '\n\n' : '\n';
}

function timeOf(event: LogEvent, { bootedAt }: LogSource, clock: ClockSettings): number | undefined {
  if (event.time !== undefined) return absoluteTime(event.time, clock);
  if (bootedAt === undefined || event.kernelSeconds === undefined) return undefined;
  return bootedAt + event.kernelSeconds * 1000;
}

/** The host's first name, since some logs have the whole name and others only this. Empty where there is none. */
export function shortHost(host: string | undefined): string {
  if (host === undefined) return '';
  // An address is no name with a domain.
  return /^[\d.:]+$/.test(host) ? host : (host.split('.')[0] ?? host);
}

/** The times of one message in two logs may differ by so much: one log has whole seconds, or the clock was set. */
const SAME_WITHIN_MS = 60_000;
const MAX_REMEMBERED = 20_000;

interface Cursor {
  readonly batches: AsyncIterator<readonly TimedEvent[]>;
  batch: readonly TimedEvent[];
  at: number;
}

/**
 * Passes on the events of several logs in order of time, each once: a message that is in several logs (journald, kern.log
 * and the kernel's own buffer have the same ones) comes as often as in the log that has it most often; the others follow
 * it, marked `again`. An event without a time comes where it is read. Memory is bounded by one batch a log.
 */
export async function mergeEvents(
  streams: readonly AsyncIterable<readonly TimedEvent[]>[],
  onEvent: (event: TimedEvent) => void,
): Promise<void> {
  const isNew = streams.length > 1 ? onceForAll() : () => true;
  const open: Cursor[] = [];
  for (const stream of streams) {
    const cursor: Cursor = { batches: stream[Symbol.asyncIterator](), batch: [], at: 0 };
    if (await refill(cursor)) open.push(cursor);
  }
  while (open.length > 0) {
    const cursor = earliest(open);
    const event = cursor.batch[cursor.at];
    if (event !== undefined) onEvent(isNew(event) ? event : { ...event, again: true });
    cursor.at += 1;
    if (cursor.at >= cursor.batch.length && !(await refill(cursor))) open.splice(open.indexOf(cursor), 1);
  }
}

async function refill(cursor: Cursor): Promise<boolean> {
  for (;;) {
    const { value, done } = await cursor.batches.next();
    if (done === true) return false;
    if (value.length === 0) continue;
    cursor.batch = value;
    cursor.at = 0;
    return true;
  }
}

function earliest(open: readonly Cursor[]): Cursor {
  const time = ({ batch, at }: Cursor): number => batch[at]?.at ?? Number.NEGATIVE_INFINITY;
  return open.reduce((first, one) => (time(one) < time(first) ? one : first));
}

interface Seen {
  readonly counts: Map<string, number>;
  given: number;
  at: number;
}

/** Whether no other log has had an event yet. */
function onceForAll(): (event: TimedEvent) => boolean {
  const seen = new Map<string, Seen>();
  return ({ event, at, source }) => {
    if (at === null) return true;
    for (const [key, { at: last }] of seen) {
      if (at - last <= SAME_WITHIN_MS && seen.size <= MAX_REMEMBERED) break;
      seen.delete(key);
    }
    // All guests of a storage lose it at the same time, and log the same.
    const key = `${shortHost(event.host)} ${event.text}`;
    const known = seen.get(key) ?? { counts: new Map<string, number>(), given: 0, at };
    // Removed and added again, so that the oldest come first.
    seen.delete(key);
    seen.set(key, known);
    known.at = Math.max(known.at, at);
    const count = (known.counts.get(source) ?? 0) + 1;
    known.counts.set(source, count);
    if (count <= known.given) return false;
    known.given = count;
    return true;
  };
}
