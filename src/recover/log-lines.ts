import { fileSystemEffects } from '../watch/log/aborts.ts';
import { type LogEvent, lineEvents } from '../watch/log/events.ts';
import { logMarks } from '../watch/log-marks.ts';

/** A line of the kernel log that speaks against a file system. */
export interface LogLine {
  readonly text: string;
  /** Whether it says that the file system was given up; else it only tells of an error. */
  readonly abort: boolean;
}

/** What a kernel log says of file systems, in its order: read once, and asked for each of them. */
export interface ParsedLog {
  readonly lines: readonly {
    readonly events: readonly LogEvent[];
    /** The disks that the line says are mounted. */
    readonly mounted: readonly string[];
  }[];
}

const LONGEST_LINE = 300;

export function parseKernelLog(log: string): ParsedLog {
  const lines = log.split('\n').flatMap((line) => {
    const mounted = logMarks(line).flatMap(({ kind, device }) => (kind === 'mounted' ? [device] : []));
    const events = lineEvents(line).filter(({ effect }) => effect !== undefined);
    return mounted.length + events.length === 0 ? [] : [{ events, mounted }];
  });
  return { lines };
}

/**
 * The lines since the last mount of a device that speak against its file system: what came before belongs to an earlier
 * mount. Control characters do not pass.
 */
export function logLinesOf({ lines }: ParsedLog, device: string): readonly LogLine[] {
  const mount = lines.findLastIndex(({ mounted }) => mounted.includes(device));
  const events = lines.slice(mount + 1).flatMap((line) => line.events);
  const mine = fileSystemEffects(events).find((one) => one.device === device);
  return (mine?.events ?? []).map(({ text, effect }) => ({
    text: text.replace(/\p{Cc}/gu, '?').slice(0, LONGEST_LINE),
    abort: effect !== 'error',
  }));
}
