import { lineEvents } from '../kernel-log/events.ts';
import { logMarks } from '../kernel-log/marks.ts';

/** A line of the kernel log that speaks against a file system. */
export interface LogLine {
  readonly text: string;
  /** Whether it says that the file system was given up; else it only tells of an error. */
  readonly abort: boolean;
}

/** What a kernel log says of file systems, in its order: read once, and asked for each of them. */
export type ParsedLog = readonly ParsedLine[];

interface ParsedLine {
  readonly text: string;
  /** What the line says of each disk that it names; the gravest. */
  readonly says: ReadonlyMap<string, 'mounted' | 'error' | 'abort'>;
}

const LONGEST_LINE = 300;

/**
 * The lines that speak of a file system on a named disk. What names none (`ext3_abort called.`) never stands alone.
 * Control characters do not pass.
 */
export function parseKernelLog(log: string): ParsedLog {
  return log.split('\n').flatMap((line) => {
    const says = new Map<string, 'mounted' | 'error' | 'abort'>();
    for (const { kind, device } of logMarks(line)) {
      // An abort cannot be remounted away: only a new mount ends it.
      if (kind === 'mounted' && line.includes('re-mounted')) continue;
      if (says.get(device) !== 'abort') says.set(device, kind);
    }
    for (const { effect, fields } of lineEvents(line)) {
      if (effect === undefined || fields.device === undefined) continue;
      if (says.get(fields.device) !== 'abort')
        says.set(fields.device, effect === 'error' ? 'error' : 'abort');
    }
    return says.size === 0 ? [] : [{ text: line.replace(/\p{Cc}/gu, '?').slice(0, LONGEST_LINE), says }];
  });
}

/** The lines that speak against a disk's file system since its last mount: those before belong to an earlier one. */
export function logLinesOf(log: ParsedLog, device: string): readonly LogLine[] {
  const mount = log.findLastIndex(({ says }) => says.get(device) === 'mounted');
  return log.slice(mount + 1).flatMap(({ text, says }) => {
    const said = says.get(device);
    return said === undefined ? [] : [{ text, abort: said === 'abort' }];
  });
}
