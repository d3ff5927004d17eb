import { failure } from '../errors.ts';
import { typed } from '../typed.ts';
import { mergeEvents, type StreamSettings, sourceEvents, type TimedEvent } from './event-stream.ts';
import type { Diagnosis, PartProblem } from './incident.ts';
import { incidentGrouper } from './incidents.ts';
import { type DeviceNames, withNames } from './resolve.ts';
import type { LogSource } from './sources.ts';
import { worst } from './tallies.ts';

/*
 * This room turns messages of kernel logs into incidents: what failed when, on which disks and file systems, and
 * whether the driver was to blame.
 */

/** Which logs to diagnose, and which part of them. */
export interface DiagnoseRequest extends StreamSettings {
  readonly sources: readonly LogSource[];
  /** Null where the logs may be of another machine than the target. */
  readonly names: DeviceNames | null;
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Reads all sources together, in order of time. Throws E_LOG_MISSING where none can be read. */
export async function diagnose(request: DiagnoseRequest): Promise<Diagnosis> {
  const { sources, since, until, zone, names } = request;
  const grouper = incidentGrouper();
  const parts: string[] = [];
  const unread: PartProblem[] = [];
  let leftOut = 0;
  let undated = 0;

  const settings: StreamSettings = {
    zone,
    onPart: (part) => {
      parts.push(part.name);
      request.onPart?.(part);
    },
    onProblem: (problem) => {
      unread.push(problem);
      request.onProblem(problem);
    },
  };
  const take = (timed: TimedEvent): void => {
    const one = timed.again === true ? 0 : 1;
    if (timed.at === null) undated += one;
    else if (timed.at < (since ?? timed.at) || timed.at > (until ?? timed.at)) {
      leftOut += one;
      return;
    }
    grouper.add(timed);
  };
  await mergeEvents(
    sources.map((source) => sourceEvents(source, settings)),
    take,
  );

  const read = parts.filter((part) => !unread.some((one) => one.part === part));
  if (read.length === 0 && !unread.some(({ partly }) => partly)) throw nothingRead(unread);
  const { incidents, older, recordedErrors } = grouper.end();
  return {
    verdict: worst(incidents.map(({ verdict }) => verdict))?.cause ?? 'none',
    incidents: names === null ? incidents : await Promise.all(incidents.map((one) => withNames(one, names))),
    older,
    recordedErrors,
    read,
    unread,
    leftOut,
    undated,
  };
}

function nothingRead(unread: Diagnosis['unread']): Error {
  const [first] = unread;
  return failure(
    'E_LOG_MISSING',
    first === undefined ? 'no kernel log was found' : `no log can be read: ${first.part}: ${first.problem}`,
    `run it as root, or name the log: ${typed('diagnose', ['FILE'])} (- is standard input)`,
  );
}
