import { fileSystemEffects } from '../kernel-log/effects.ts';
import type { LogEvent } from '../kernel-log/events.ts';
import type { ShownCause } from './causes.ts';
import type { HostContext } from './host-context.ts';
import type { Incident, TimelineEntry, Verdict } from './incident.ts';
import type { TimedEvent } from './stream.ts';
import { causeTally, diskTally } from './tallies.ts';

const MAX_TIMELINE = 200;
const MAX_EFFECTS = 500;
const MAX_VOLUMES = 64;

interface Entry {
  readonly first: TimedEvent;
  last: number | null;
  count: number;
  proved: boolean;
}

/** Whether the log shows that the kernel wrote it. */
export function isProved({ event }: TimedEvent): boolean {
  return event.writer === 'kernel';
}

interface OneMachine {
  readonly host: string | null;
  readonly context: HostContext;
  /** Names of disks by their addresses. */
  readonly names: ReadonlyMap<string, string>;
}

/** Collects the events of one incident, in order of time, in bounded memory. */
export function incidentBuilder({ host, context, names }: OneMachine) {
  const boot = context.boot();
  const counts = new Map<string, number>();
  const timeline = new Map<string, Entry>();
  const effects = new Map<string, LogEvent>();
  const deviceMapper = new Set<string>();
  const sources = new Set<string>();
  const volumes = new Set<string>();
  let hypervisor = false;
  const disks = diskTally();
  const causes = causeTally();
  let start: number | null = null;
  let end: number | null = null;
  let firstLogged: string | null = null;
  let lastLogged: string | null = null;
  let messages = 0;
  let proved = false;
  let cut = 0;
  let opens = false;
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
      opens ||= timed.opens === true;
      start ??= at;
      firstLogged ??= loggedTime(event);
      lastLogged = loggedTime(event) ?? lastLogged;
      end = at ?? end;
      note(timed, count);
      const cause = disks.add(event, count);
      if (cause !== undefined) causes.add(cause, count, isProved(timed));
      const { device, volume, path } = event.fields;
      hypervisor ||= event.layer === 'hypervisor';
      for (const name of [volume, path])
        if (name !== undefined && volumes.size < MAX_VOLUMES) volumes.add(name);
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
    /** A message that is none of an incident names a disk. */
    named: (device: string): void => disks.named(device),
    lastAt: (): number | null => end,
    build: (): Incident => {
      const period = { start, end };
      const judge = (cause: ShownCause): ShownCause => context.judge(cause, period, boot);
      const verdict = causes.verdict(judge);
      return {
        host,
        start: isoTime(start),
        end: isoTime(end),
        firstLogged,
        lastLogged,
        seconds: start === null || end === null ? null : Math.max(0, Math.round((end - start) / 1000)),
        verdict,
        hypervisor,
        volumes: [...volumes],
        doubts:
          hypervisor || DECIDED.has(verdict.cause)
            ? []
            : [...(opens ? [OPENS] : []), ...suppressed(counts.get('suppressed')), ...context.doubts(period)],
        kernel: hypervisor ? null : (context.kernelOf(boot) ?? null),
        adapters: context.adapters(period),
        reported: !proved,
        disks: disks.disks(judge, names),
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
      };
    },
  };
}

/** Verdicts that a missing message would not change. */
const DECIDED: ReadonlySet<Verdict['cause']> = new Set(['this-bug', 'window-used-up']);
const OPENS = 'the log begins with this: the result of the command stands before, in a log that was not read';

function suppressed(messages: number | undefined): readonly string[] {
  if (messages === undefined) return [];
  return ['the kernel left messages out, for there were too many at once (“callbacks suppressed”)'];
}

function keyOf(event: LogEvent): string {
  return `${event.id} ${subject(event)}`;
}

/** What a message is about; messages that differ in it get entries of their own. */
function subject({ fields }: LogEvent): string {
  const { device, address, adapter, map, code, hostbyte, what, step, process } = fields;
  const { volume, path, deviceStatus, senseKey } = fields;
  return [
    ...[device, address, adapter, map, code, hostbyte, what, step, process],
    ...[volume, path, deviceStatus, senseKey],
  ].join(' ');
}

/** The date as the log has it: a copy, for a part of a line would keep the whole line in memory. */
function loggedTime({ stamp }: LogEvent): string | null {
  return stamp === undefined ? null : Buffer.from(stamp).toString();
}

/** As documents have a time; null where it is not known. */
export function isoTime(ms: number | null): string | null {
  return ms === null || !Number.isFinite(ms) ? null : new Date(ms).toISOString();
}

function timelineEntry({ first, last, count, proved }: Entry): TimelineEntry {
  const { event, at } = first;
  return {
    first: isoTime(at),
    last: isoTime(last),
    logged: loggedTime(event),
    kernelSeconds: event.kernelSeconds ?? null,
    id: event.id,
    layer: event.layer,
    count,
    text: event.text,
    reported: !proved,
  };
}
