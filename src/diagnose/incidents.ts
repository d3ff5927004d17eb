import type { LogEvent } from '../kernel-log/events.ts';
import { isHarmless } from './causes.ts';
import { factsOfHost, type HostContext, hostContext, type MachineFacts } from './host-context.ts';
import type { Diagnosis, Incident, OlderIncidents, RecordedError } from './incident.ts';
import { incidentBuilder, isoTime, isProved } from './incident-builder.ts';
import { shortHost } from './merge.ts';
import { GAP_MS, type TimedEvent, type TimedNote } from './stream.ts';

type Grouped = Pick<Diagnosis, 'incidents' | 'older' | 'recordedErrors' | 'noIncident'>;

const MAX_INCIDENTS = 200;
const MAX_HOSTS = 64;
const MAX_WAITING = 50;
const MAX_RECORDED = 256;

/** Messages that alone are no incident: they have other causes too, or report an old incident. */
const NOT_ALONE = new Set([
  'task-blocked',
  'path-reinstated',
  'mpt-loginfo',
  'mpt-queue-full',
  'scsi-sense',
  'scsi-sense-old',
  'scsi-unhandled',
]);
/** Of those, a sense key that says that the device failed. Not Ready is an empty drive's answer, too. */
const ALARMING_SENSE = new Set(['Medium Error', 'Hardware Error', 'Aborted Command', 'Data Protect']);

function isAlarming(event: LogEvent): boolean {
  if (isHarmless(event)) return false;
  return !NOT_ALONE.has(event.id) || ALARMING_SENSE.has(event.fields.what ?? '');
}

const RECORDED = new Set(['ext4-first-error', 'ext4-error-count']);

interface Group {
  readonly host: string | null;
  open: ReturnType<typeof incidentBuilder> | undefined;
  /** What came before the first message that makes an incident. */
  waiting: TimedEvent[];
  readonly context: HostContext;
  /** Of the last message without a time. */
  run: number;
  /** Which disk has which address, as far as the log says. */
  readonly names: Map<string, string>;
}

/** Groups events, which come in order of time, into incidents. Memory is bounded. */
export function incidentGrouper(facts: MachineFacts) {
  const groups = new Map<string, Group>();
  const recorded = new Map<string, RecordedError>();
  const closed: Incident[] = [];
  const strays = new Map<string, number>();
  let older: OlderIncidents | null = null;

  const close = (group: Group): void => {
    if (group.open === undefined) return;
    closed.push(group.open.build());
    group.open = undefined;
    if (closed.length <= MAX_INCIDENTS) return;
    const oldest = closed.shift();
    if (oldest !== undefined)
      older = { count: (older?.count ?? 0) + 1, start: older?.start ?? oldest.start, end: oldest.end };
  };

  const groupOf = (
    host: string | null,
    { at, source }: Pick<TimedEvent | TimedNote, 'at' | 'source'>,
    hypervisor = false,
  ): Group => {
    // Without times, nothing shows that two logs belong to one incident.
    const machine = at === null ? `${host ?? ''}\n${source}` : shortHost(host ?? undefined);
    const key = hypervisor ? `${machine}\nbelow` : machine;
    const known = groups.get(key);
    if (known !== undefined) return known;
    const [first] = groups.size >= MAX_HOSTS ? groups : [];
    if (first !== undefined) {
      close(first[1]);
      groups.delete(first[0]);
    }
    const group: Group = {
      host,
      open: undefined,
      waiting: [],
      context: hostContext(factsOfHost(facts, host)),
      run: 0,
      names: new Map(),
    };
    groups.set(key, group);
    return group;
  };

  return {
    add: (timed: TimedEvent): void => {
      if (RECORDED.has(timed.event.id)) {
        record(recorded, timed);
        return;
      }
      const { event } = timed;
      const group = groupOf(event.host ?? null, timed, event.layer === 'hypervisor');
      if (timed.again === true) {
        if (isProved(timed)) group.open?.prove(timed);
        return;
      }
      if (NAMING.test(event.id)) {
        nameDisk(group, event);
        return;
      }
      if (group.open !== undefined && isApart(group.open.lastAt(), timed.at)) close(group);
      if ((timed.run ?? group.run) !== group.run) {
        close(group);
        group.waiting = [];
        group.run = timed.run ?? group.run;
      }
      if (group.open === undefined && !isAlarming(event)) {
        group.waiting = [...group.waiting.slice(1 - MAX_WAITING), timed];
        if (!isHarmless(event)) countIn(strays, timed, 1);
        return;
      }
      group.open ??= opened(group, timed, strays);
      group.open.add(timed);
    },
    note: (note: TimedNote): void => groupOf(note.host ?? null, note).context.add(note),
    end: (): Grouped => {
      for (const group of groups.values()) close(group);
      const incidents = closed.sort((a, b) => (a.start ?? '').localeCompare(b.start ?? ''));
      const noIncident = Object.fromEntries([...strays].filter(([, count]) => count > 0));
      return { incidents, older, recordedErrors: [...recorded.values()], noIncident };
    },
  };
}

/** Messages of disks' names, which are no part of an incident. */
const NAMING = /^scsi-(?:attached|cdb)/;
const MAX_NAMES = 4096;

function nameDisk({ names, open }: Group, { fields: { device, address } }: LogEvent): void {
  if (device === undefined || address === undefined) return;
  if (names.has(address) || names.size < MAX_NAMES) names.set(address, device);
  open?.named(device);
}

function opened(
  group: Group,
  { at }: TimedEvent,
  strays: Map<string, number>,
): ReturnType<typeof incidentBuilder> {
  const builder = incidentBuilder(group);
  for (const earlier of group.waiting) {
    if (isApart(earlier.at, at)) continue;
    builder.add(earlier);
    countIn(strays, earlier, -1);
  }
  group.waiting = [];
  return builder;
}

function countIn(counts: Map<string, number>, { event }: TimedEvent, sign: 1 | -1): void {
  counts.set(event.id, (counts.get(event.id) ?? 0) + sign * (event.repeated ?? 1));
}

function isApart(before: number | null, after: number | null): boolean {
  return before !== null && after !== null && after - before > GAP_MS;
}

function record(recorded: Map<string, RecordedError>, { event }: TimedEvent): void {
  const { device, what, seconds, count } = event.fields;
  if (device === undefined) return;
  const known = recorded.get(device) ?? { device, count: null, firstError: null, lastError: null };
  if (!recorded.has(device) && recorded.size >= MAX_RECORDED) return;
  const time = seconds === undefined ? null : isoTime(Number(seconds) * 1000);
  recorded.set(device, {
    device,
    count: count === undefined ? known.count : Number(count),
    firstError: what === 'initial' ? time : known.firstError,
    lastError: what === 'last' ? time : known.lastError,
  });
}
