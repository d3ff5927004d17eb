import { fileSystemEffects } from '../kernel-log/effects.ts';
import type { LogEvent } from '../kernel-log/events.ts';
import { shortHost, type TimedEvent } from './event-stream.ts';
import type { Diagnosis, Incident, OlderIncidents, RecordedError, TimelineEntry } from './incident.ts';
import { causeTally, diskTally } from './tallies.ts';

type Grouped = Pick<Diagnosis, 'incidents' | 'older' | 'recordedErrors'>;

/** The kernel may retry a command silently for (5 + 1) × its timeout: 180 s by default, 1080 s with a timeout of 180 s. */
const GAP_MS = 20 * 60 * 1000;
const MAX_INCIDENTS = 200;
const MAX_HOSTS = 64;
const MAX_WAITING = 50;
const MAX_RECORDED = 256;

/** Messages that alone are no incident: they have other causes too, or report an old incident. */
const NOT_ALONE = new Set([
  'task-blocked',
  'suppressed',
  'path-reinstated',
  'mpt-loginfo',
  'mpt-queue-full',
  'scsi-sense',
  'scsi-sense-old',
  'scsi-unhandled',
]);
const RECORDED = new Set(['ext4-first-error', 'ext4-error-count']);

interface Group {
  readonly host: string | null;
  open: ReturnType<typeof incidentBuilder> | undefined;
  /** What came before the first message that makes an incident. */
  waiting: TimedEvent[];
}

/** Groups events, which come in order of time, into incidents. Memory is bounded. */
export function incidentGrouper() {
  const groups = new Map<string, Group>();
  const recorded = new Map<string, RecordedError>();
  const closed: Incident[] = [];
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

  const groupOf = ({ event, at, source }: TimedEvent): Group => {
    const host = event.host ?? null;
    // Without times, nothing shows that two logs belong to one incident.
    const key = at === null ? `${host ?? ''}\n${source}` : shortHost(event.host);
    const known = groups.get(key);
    if (known !== undefined) return known;
    const [first] = groups.size >= MAX_HOSTS ? groups : [];
    if (first !== undefined) {
      close(first[1]);
      groups.delete(first[0]);
    }
    const group: Group = { host, open: undefined, waiting: [] };
    groups.set(key, group);
    return group;
  };

  return {
    add: (timed: TimedEvent): void => {
      if (RECORDED.has(timed.event.id)) {
        record(recorded, timed);
        return;
      }
      const group = groupOf(timed);
      if (timed.again === true) {
        if (isProved(timed)) group.open?.prove(timed);
        return;
      }
      if (group.open !== undefined && isApart(group.open.lastAt(), timed.at)) close(group);
      if (group.open === undefined && NOT_ALONE.has(timed.event.id)) {
        group.waiting = [...group.waiting.slice(1 - MAX_WAITING), timed];
        return;
      }
      group.open ??= opened(group, timed);
      group.open.add(timed);
    },
    end: (): Grouped => {
      for (const group of groups.values()) close(group);
      const incidents = closed.sort((a, b) => (a.start ?? '').localeCompare(b.start ?? ''));
      return { incidents, older, recordedErrors: [...recorded.values()] };
    },
  };
}

function opened(group: Group, { at }: TimedEvent): ReturnType<typeof incidentBuilder> {
  const builder = incidentBuilder(group.host);
  for (const earlier of group.waiting) if (!isApart(earlier.at, at)) builder.add(earlier);
  group.waiting = [];
  return builder;
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

const MAX_TIMELINE = 200;
const MAX_EFFECTS = 500;

interface Entry {
  readonly first: TimedEvent;
  last: number | null;
  count: number;
  proved: boolean;
}

/** Whether the log shows that the kernel wrote it. */
function isProved({ event }: TimedEvent): boolean {
  return event.writer === 'kernel';
}

/** Collects the events of one incident, in order of time, in bounded memory. */
function incidentBuilder(host: string | null) {
  const counts = new Map<string, number>();
  const timeline = new Map<string, Entry>();
  const effects = new Map<string, LogEvent>();
  const deviceMapper = new Set<string>();
  const sources = new Set<string>();
  const disks = diskTally();
  const causes = causeTally();
  let start: number | null = null;
  let end: number | null = null;
  let messages = 0;
  let proved = false;
  let cut = 0;
  /** A message without a device is about the device of the message before. */
  let lastDevice = '';

  const note = (timed: TimedEvent, count: number): void => {
    const key = keyOf(timed.event);
    const entry = timeline.get(key);
    const proved = isProved(timed);
    if (entry !== undefined) {
      entry.count += count;
      entry.last = timed.at;
      entry.proved ||= proved;
    } else if (timeline.size < MAX_TIMELINE)
      timeline.set(key, { first: timed, last: timed.at, count, proved });
    else cut += 1;
  };

  return {
    add: (timed: TimedEvent): void => {
      const { event, at, source } = timed;
      const count = event.repeated ?? 1;
      messages += count;
      proved ||= isProved(timed);
      counts.set(event.id, (counts.get(event.id) ?? 0) + count);
      sources.add(source);
      start ??= at;
      end = at ?? end;
      note(timed, count);
      const cause = disks.add(event, count);
      if (cause !== undefined) causes.add(cause, count, isProved(timed));
      const { device } = event.fields;
      if (device?.startsWith('dm-') === true) deviceMapper.add(device);
      if (event.effect === undefined) return;
      lastDevice = device ?? lastDevice;
      const key = `${event.id} ${lastDevice}`;
      if (effects.size < MAX_EFFECTS && !effects.has(key)) effects.set(key, event);
    },
    /** The kernel wrote what is here already by another log's word. */
    prove: ({ event }: TimedEvent): void => {
      proved = true;
      const entry = timeline.get(keyOf(event));
      if (entry !== undefined) entry.proved = true;
      const cause = disks.add(event, 0);
      if (cause !== undefined) causes.add(cause, 0, true);
    },
    lastAt: (): number | null => end,
    build: (): Incident => ({
      host,
      start: isoTime(start),
      end: isoTime(end),
      seconds: start === null || end === null ? null : Math.max(0, Math.round((end - start) / 1000)),
      verdict: causes.verdict(),
      reported: !proved,
      disks: disks.disks(),
      deviceMapper: [...deviceMapper].map((device) => ({ device, name: null, on: [] })),
      fileSystems: fileSystemEffects([...effects.values()]).map(({ device, effect }) => ({
        device,
        mountPoint: null,
        effect,
      })),
      counts: Object.fromEntries(counts),
      messages,
      timeline: [...timeline.values()].map(timelineEntry),
      timelineCut: cut,
      sources: [...sources],
    }),
  };
}

function keyOf(event: LogEvent): string {
  return `${event.id} ${subject(event)}`;
}

/** What a message is about; messages that differ in it get entries of their own. */
function subject({ fields }: LogEvent): string {
  const { device, address, adapter, map, code, hostbyte, what, step, process } = fields;
  return [device, address, adapter, map, code, hostbyte, what, step, process].join(' ');
}

function isoTime(ms: number | null): string | null {
  return ms === null || !Number.isFinite(ms) ? null : new Date(ms).toISOString();
}

function timelineEntry({ first, last, count, proved }: Entry): TimelineEntry {
  const { event, at } = first;
  return {
    first: isoTime(at),
    last: isoTime(last),
    kernelSeconds: event.kernelSeconds ?? null,
    id: event.id,
    layer: event.layer,
    count,
    text: event.text,
    reported: !proved,
  };
}
