import { type LogEvent, lineEvents } from '../kernel-log/events.ts';
import { lineParser } from '../kernel-log/prefix.ts';
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
}

export interface StreamSettings {
  readonly zone?: string | undefined;
  /** Called for a part that cannot be read, or (`partly`) not to its end; the others are still read. */
  readonly onProblem: (problem: PartProblem) => void;
  /** Called for each part before it is read. */
  readonly onPart?: ((part: LogPart) => void) | undefined;
}

const REPEATED = /last message repeated (\d{1,9}) times?/;
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
  const parse = lineParser();
  const onLine = (line: string, next: boolean): void => {
    const repeated = line.includes('last message') ? REPEATED.exec(line)?.[1] : undefined;
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
