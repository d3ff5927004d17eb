import { absoluteTime, type ClockSettings } from '../log/clock.ts';
import { type LogEvent, lineEvents } from '../log/events.ts';
import { lineScanner } from '../log/scan.ts';
import type { LogPart, LogSource } from './source.ts';

/** A message, and when it was logged. */
export interface TimedEvent {
  readonly event: LogEvent;
  /** Milliseconds since the epoch; null where the log does not tell. */
  readonly at: number | null;
  readonly source: string;
}

export interface StreamSettings {
  readonly zone?: string;
  /** Told of a part that cannot be read, or of which the rest cannot; the others are read all the same. */
  readonly onProblem: (part: string, problem: string) => void;
  /** Told of each part before it is read. */
  readonly onPart?: (part: string) => void;
}

const REPEATED = /last message repeated (\d{1,9}) times?/;
const EXPORT_START = Buffer.from('__CURSOR=');

/** A source's messages, oldest part first, in batches of one piece of a file. */
export async function* sourceEvents(
  source: LogSource,
  settings: StreamSettings,
): AsyncGenerator<readonly TimedEvent[]> {
  for (const part of source.parts) {
    settings.onPart?.(part.name);
    try {
      yield* partEvents(source, part, settings);
    } catch (error) {
      settings.onProblem(part.name, error instanceof Error ? error.message : String(error));
    }
  }
}

async function* partEvents(
  source: LogSource,
  part: LogPart,
  { zone }: StreamSettings,
): AsyncGenerator<readonly TimedEvent[]> {
  const clock: ClockSettings = { until: part.until, ...(zone === undefined ? {} : { zone }) };
  let batch: TimedEvent[] = [];
  let lastAt: number | null = null;
  const onLine = (line: string, next: boolean): void => {
    const repeated = REPEATED.exec(line)?.[1];
    const last = batch.at(-1);
    if (repeated !== undefined) {
      if (next && last !== undefined)
        batch[batch.length - 1] = { ...last, event: { ...last.event, repeated: Number(repeated) + 1 } };
      return;
    }
    for (const event of lineEvents(line)) {
      lastAt = timeOf(event, source, clock) ?? lastAt;
      batch.push({ event, at: lastAt, source: source.name });
    }
  };

  let scanner: ReturnType<typeof lineScanner> | undefined;
  for await (const chunk of part.open()) {
    scanner ??= lineScanner(
      onLine,
      EXPORT_START.equals(chunk.subarray(0, EXPORT_START.length)) ? '\n\n' : '\n',
    );
    scanner.write(chunk);
    if (batch.length > 0) {
      yield batch;
      batch = [];
    }
  }
  scanner?.end();
  if (batch.length > 0) yield batch;
}

function timeOf(event: LogEvent, { bootedAt }: LogSource, clock: ClockSettings): number | undefined {
  if (event.time !== undefined) return absoluteTime(event.time, clock);
  if (bootedAt === undefined || event.kernelSeconds === undefined) return undefined;
  return bootedAt + event.kernelSeconds * 1000;
}
