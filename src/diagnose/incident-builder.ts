import { fileSystemEffects } from '../kernel-log/effects.ts';
import type { LogEvent } from '../kernel-log/events.ts';
import { diskTally } from './disks.ts';
import type { TimedEvent } from './event-stream.ts';
import type { Incident, TimelineEntry } from './incident.ts';
import { causeTally } from './verdict.ts';

/** Collects the events of one incident, in order of time, in bounded memory. */
export interface IncidentBuilder {
  add(event: TimedEvent): void;
  readonly lastAt: () => number | null;
  build(): Incident;
}

const MAX_TIMELINE = 200;
const MAX_EFFECTS = 500;

interface Entry {
  readonly first: TimedEvent;
  last: number | null;
  count: number;
}

export function incidentBuilder(host: string | null): IncidentBuilder {
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
  let cut = 0;
  /** A message without a device is about the device of the message before. */
  let lastDevice = '';

  const note = (timed: TimedEvent, count: number): void => {
    const key = `${timed.event.id} ${subject(timed.event)}`;
    const entry = timeline.get(key);
    if (entry !== undefined) {
      entry.count += count;
      entry.last = timed.at;
    } else if (timeline.size < MAX_TIMELINE) timeline.set(key, { first: timed, last: timed.at, count });
    else cut += 1;
  };

  return {
    add: (timed) => {
      const { event, at, source } = timed;
      const count = event.repeated ?? 1;
      messages += count;
      counts.set(event.id, (counts.get(event.id) ?? 0) + count);
      sources.add(source);
      start ??= at;
      end = at ?? end;
      note(timed, count);
      const cause = disks.add(event, count);
      if (cause !== undefined) causes.add(cause, count);
      const { device } = event.fields;
      if (device?.startsWith('dm-') === true) deviceMapper.add(device);
      if (event.effect === undefined) return;
      lastDevice = device ?? lastDevice;
      const key = `${event.id} ${lastDevice}`;
      if (effects.size < MAX_EFFECTS && !effects.has(key)) effects.set(key, event);
    },
    lastAt: () => end,
    build: () => ({
      host,
      start: isoTime(start),
      end: isoTime(end),
      seconds: start === null || end === null ? null : Math.max(0, Math.round((end - start) / 1000)),
      verdict: causes.verdict(),
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

/** What a message is about; messages that differ in it get entries of their own. */
function subject({ fields }: LogEvent): string {
  const { device, address, adapter, map, code, hostbyte, what, step, process } = fields;
  return [device, address, adapter, map, code, hostbyte, what, step, process].join(' ');
}

export function isoTime(ms: number | null): string | null {
  return ms === null || !Number.isFinite(ms) ? null : new Date(ms).toISOString();
}

function timelineEntry({ first, last, count }: Entry): TimelineEntry {
  const { event, at } = first;
  return {
    first: isoTime(at),
    last: isoTime(last),
    kernelSeconds: event.kernelSeconds ?? null,
    id: event.id,
    layer: event.layer,
    count,
    text: event.text,
  };
}
