import type { UnreadDate } from '../kernel-log/dates.ts';
import { type LogEvent, lineEvents } from '../kernel-log/events.ts';
import type { LinePrefix } from '../kernel-log/line.ts';
import { lineParser, parseLine } from '../kernel-log/prefix.ts';
import { type Repair, repairedLog } from '../kernel-log/repair.ts';
import { type LineScanner, lineScanner } from '../kernel-log/scan.ts';
import { absoluteTime, type ClockSettings, type LogTime } from '../kernel-log/time.ts';
import { lineCensus, type PartCensus } from './census.ts';
import { problemText } from './problems.ts';
import type { LogPart, LogSource } from './sources.ts';
import {
  GAP_MS,
  type PartRead,
  type StreamItem,
  type StreamSettings,
  type TimedEvent,
  type TimedNote,
} from './stream.ts';

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
): AsyncGenerator<readonly StreamItem[]> {
  let isFirst = true;
  for (const part of source.parts) {
    settings.onPart?.(part);
    yield* partEvents(source, part, settings, isFirst);
    isFirst = false;
  }
}

async function* partEvents(
  source: LogSource,
  part: LogPart,
  { zone, onProblem, onRead, onBytes }: StreamSettings,
  isFirst: boolean,
): AsyncGenerator<readonly StreamItem[]> {
  const clock: ClockSettings = { until: part.until, zone };
  let batch: TimedEvent[] = [];
  let notes: TimedNote[] = [];
  let eventLines = 0;
  const census = lineCensus(({ note, host, ...line }) => {
    const at = timeOf(line, source, clock) ?? null;
    notes.push({ note, host: host ?? source.host, at, source: source.name });
  });
  let lastAt: number | null = null;
  let lastTime: LogTime | undefined;
  const runOf = runCounter();
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
    let found = false;
    let ofHypervisor = false;
    for (const event of lineEvents(line, parse)) {
      const opens = isFirst && eventLines === 0 && !found && census.begins(line);
      found = true;
      ofHypervisor = event.layer === 'hypervisor';
      if (event.time === undefined || event.time !== lastTime)
        lastAt = timeOf(event, source, clock) ?? (event.unread === undefined ? lastAt : null);
      const run = runOf(event);
      lastTime = event.time;
      const named =
        event.host === undefined && source.host !== undefined ? { ...event, host: source.host } : event;
      last = { event: named, at: lastAt, source: source.name };
      if (opens) last = { ...last, opens };
      if (lastAt === null) last = { ...last, run };
      batch.push(last);
    }
    if (found && !ofHypervisor) eventLines += 1;
  };

  let scanner: LineScanner | undefined;
  let repairs: readonly Repair[] = [];
  // What comes from the kernel or from journald itself was in no mail and on no web page.
  const isOriginal = source.ofKernel === true || source.bootedAt !== undefined;
  const chunks = isOriginal
    ? part.open()
    : repairedLog(part.open(), (found) => {
        repairs = found;
      });
  try {
    for await (const chunk of chunks) {
      scanner ??= lineScanner(onLine, recordEnd(chunk));
      onBytes?.(part, chunk.length);
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES);
        census.write(piece);
        scanner.write(piece);
        if (batch.length === 0 && notes.length === 0) continue;
        yield inOrder(notes, batch);
        batch = [];
        notes = [];
      }
    }
  } catch (error) {
    // What came before still counts, to its last line.
    onProblem({ part: part.name, problem: problemText(error), partly: scanner !== undefined });
  }
  const counted = census.end();
  scanner?.end();
  if (batch.length > 0 || notes.length > 0) yield inOrder(notes, batch);
  const recognised = Math.max(counted.kernelLines, eventLines);
  if (recognised === 0 && counted.hypervisorLines === 0 && counted.binary !== undefined)
    onProblem({ part: part.name, problem: NO_TEXT[counted.binary], partly: false });
  const { lines, hypervisorLines } = counted;
  onRead?.({
    source,
    part,
    lines,
    kernelLines: recognised,
    hypervisorLines,
    repairs,
    ...span(counted, source, clock),
  });
}

/** Notes before the messages of their second or later: which kernel and adapter it was counts for what follows. */
function inOrder(notes: readonly TimedNote[], events: readonly TimedEvent[]): readonly StreamItem[] {
  if (notes.length === 0) return events;
  const items: StreamItem[] = [];
  let next = 0;
  for (const event of events) {
    for (let note = notes[next]; note !== undefined && !isAfter(note, event); note = notes[next]) {
      items.push(note);
      next += 1;
    }
    items.push(event);
  }
  return [...items, ...notes.slice(next)];
}

function isAfter({ at }: TimedNote, event: TimedEvent): boolean {
  return at !== null && event.at !== null && at > event.at;
}

/**
 * Counts the runs of messages whose dates are not known: by the kernel's seconds, or by what of a date cannot be read. What
 * has neither belongs to what came before.
 */
function runCounter(): (event: LogEvent) => number {
  let run = 0;
  let last: UnreadDate | undefined;
  return ({ time, unread, kernelSeconds }) => {
    const bySeconds = time === undefined && kernelSeconds !== undefined;
    const here = unread ?? (bySeconds ? { day: '', seconds: kernelSeconds } : undefined);
    if (here === undefined) return run;
    const isNear =
      last?.day === here.day && Math.abs(here.seconds - (last?.seconds ?? Number.NaN)) * 1000 <= GAP_MS;
    if (last !== undefined && !isNear) run += 1;
    last = here;
    return run;
  };
}

/** Why a part is no log, and what to do about it. */
const NO_TEXT = {
  binary: 'it is a binary file, not text',
  journal: 'it is journald’s own file: give the output of `journalctl --file=FILE -o short-iso` instead',
} as const;

/** Whether a part's problem is that it holds no text. */
export function isNoText(problem: string): boolean {
  return problem === NO_TEXT.binary || problem === NO_TEXT.journal;
}

function span(
  { firstLines, lastLines }: PartCensus,
  source: LogSource,
  clock: ClockSettings,
): Pick<PartRead, 'first' | 'last'> {
  const time = (line: string): number | undefined => timeOf(parseLine(line).prefix, source, clock);
  const isTime = (at: number | undefined): at is number => at !== undefined;
  const first = firstLines.map(time).find(isTime) ?? null;
  return { first, last: lastLines.map(time).findLast(isTime) ?? first };
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

function timeOf(
  { time, kernelSeconds }: Pick<LinePrefix, 'time' | 'kernelSeconds'>,
  { bootedAt }: LogSource,
  clock: ClockSettings,
): number | undefined {
  if (time !== undefined) return absoluteTime(time, clock);
  if (bootedAt === undefined || kernelSeconds === undefined) return undefined;
  return bootedAt + kernelSeconds * 1000;
}
