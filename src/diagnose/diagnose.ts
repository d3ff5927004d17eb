import { failure } from '../errors.ts';
import { typed } from '../typed.ts';
import { isNoText, sourceEvents } from './event-stream.ts';
import type { MachineFacts } from './host-context.ts';
import type { Diagnosis, Incident, PartProblem } from './incident.ts';
import { incidentGrouper } from './incidents.ts';
import { lookedAt, reasonsNotToTell } from './looked.ts';
import { mergeEvents } from './merge.ts';
import { type DeviceNames, withNames } from './resolve.ts';
import type { LogSource } from './sources.ts';
import type { StreamSettings, TimedEvent } from './stream.ts';
import { worst } from './tallies.ts';

/*
 * This room turns messages of kernel logs into incidents: what failed when, on which disks and file systems, and
 * whether the driver was to blame.
 */

/** Which logs to diagnose, and which part of them. */
export interface DiagnoseRequest extends Omit<StreamSettings, 'onRead'> {
  readonly sources: readonly LogSource[];
  /** The user named each log: where one has no kernel's line, that is told. */
  readonly named: boolean;
  /** The running kernel's buffer is among the sources. */
  readonly live: boolean;
  /** Null where the logs may be of another machine than the target. */
  readonly names: DeviceNames | null;
  readonly facts: MachineFacts;
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Reads all sources together, in order of time. Throws E_LOG_MISSING or E_LOG_BINARY where none can be read. */
export async function diagnose(request: DiagnoseRequest): Promise<Diagnosis> {
  const { sources, since, until, names, named, live, facts } = request;
  const grouper = incidentGrouper(facts);
  const looked = lookedAt();
  const parts: string[] = [];
  const unread: PartProblem[] = [];
  let leftOut = 0;
  let undated = 0;

  const settings: StreamSettings = {
    zone: request.zone,
    onBytes: request.onBytes,
    onRead: looked.add,
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
    grouper.note,
  );

  const read = parts.filter((part) => !unread.some((one) => one.part === part));
  if (read.length === 0 && !unread.some(({ partly }) => partly)) throw nothingRead(unread);
  const { incidents, older, recordedErrors, noIncident } = grouper.end();
  const seen = { logs: looked.logs(), looked: looked.all(), unread };
  const cannotTell = incidents.length > 0 ? [] : reasonsNotToTell(seen, { named, live, since, until });
  return {
    verdict: verdictOf(incidents, cannotTell),
    cannotTell,
    ...seen,
    incidents: names === null ? incidents : await Promise.all(incidents.map((one) => withNames(one, names))),
    older,
    recordedErrors,
    read,
    leftOut,
    undated,
    noIncident,
  };
}

function verdictOf(incidents: readonly Incident[], cannotTell: readonly string[]): Diagnosis['verdict'] {
  const found = worst(incidents.map(({ verdict }) => verdict))?.cause;
  return found ?? (cannotTell.length > 0 ? 'cannot-tell' : 'none');
}

function nothingRead(unread: Diagnosis['unread']): Error {
  const [first] = unread;
  if (first === undefined)
    return failure(
      'E_LOG_MISSING',
      'no kernel log was found',
      `name the log: ${typed('diagnose', ['FILE'])} (- is standard input)`,
    );
  const more = unread.length === 1 ? '' : `, and so it is with ${unread.length - 1} more`;
  const what = `no log can be read: ${first.part}: ${first.problem}${more}`;
  if (unread.every(({ problem }) => isNoText(problem)))
    return failure('E_LOG_BINARY', what, `give a text log, packed or not: ${typed('diagnose', ['FILE'])}`);
  return failure(
    'E_LOG_MISSING',
    what,
    `run it as root, or name the log: ${typed('diagnose', ['FILE'])} (- is standard input)`,
  );
}
