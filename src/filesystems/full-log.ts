import { lineEvents } from '../kernel-log/events.ts';
import { type LogMark, logMarks } from '../kernel-log/marks.ts';
import { type DiskLog, logCollector } from './disk-log.ts';

const MOST_LINES = 5;

/**
 * What a kernel log says of each disk's file system, by the whole table of signatures. A message that names no disk
 * (`ext3_abort called.`) never stands alone.
 */
export function parseKernelLog(log: string): ReadonlyMap<string, DiskLog> {
  const collector = logCollector(allMarks, MOST_LINES);
  for (const text of log.split('\n')) collector.add({ text });
  return collector.disks;
}

function allMarks(line: string): readonly LogMark[] {
  const events = lineEvents(line).flatMap(({ effect, fields }): readonly LogMark[] =>
    effect === undefined || fields.device === undefined
      ? []
      : [{ kind: effect === 'error' ? 'error' : 'abort', device: fields.device }],
  );
  return [...logMarks(line), ...events];
}
