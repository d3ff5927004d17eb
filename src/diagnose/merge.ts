import type { StreamItem, TimedEvent, TimedNote } from './stream.ts';

/** The host's first name, since some logs have the whole name and others only this. Empty where there is none. */
export function shortHost(host: string | undefined): string {
  if (host === undefined) return '';
  // An address is no name with a domain.
  return /^[\d.:]+$/.test(host) ? host : (host.split('.')[0] ?? host);
}

/** The times of one message in two logs may differ by so much: one log has whole seconds, or the clock was set. */
const SAME_WITHIN_MS = 60_000;
const MAX_REMEMBERED = 20_000;

interface Cursor {
  readonly batches: AsyncIterator<readonly StreamItem[]>;
  batch: readonly StreamItem[];
  at: number;
}

/**
 * Passes on the events of several logs in order of time, each once: a message that is in several logs (journald, kern.log
 * and the kernel's own buffer have the same ones) comes as often as in the log that has it most often; the others follow
 * it, marked `again`. An event without a time comes where it is read. Memory is bounded by one batch a log.
 */
export async function mergeEvents(
  streams: readonly AsyncIterable<readonly StreamItem[]>[],
  onEvent: (event: TimedEvent) => void,
  onNote: (note: TimedNote) => void,
): Promise<void> {
  const isNew = streams.length > 1 ? onceForAll() : () => true;
  const open: Cursor[] = [];
  for (const stream of streams) {
    const cursor: Cursor = { batches: stream[Symbol.asyncIterator](), batch: [], at: 0 };
    if (await refill(cursor)) open.push(cursor);
  }
  while (open.length > 0) {
    const cursor = earliest(open);
    const item = cursor.batch[cursor.at];
    if (item !== undefined && 'note' in item) onNote(item);
    else if (item !== undefined) onEvent(isNew(item) ? item : { ...item, again: true });
    cursor.at += 1;
    if (cursor.at >= cursor.batch.length && !(await refill(cursor))) open.splice(open.indexOf(cursor), 1);
  }
}

async function refill(cursor: Cursor): Promise<boolean> {
  for (;;) {
    const { value, done } = await cursor.batches.next();
    if (done === true) return false;
    if (value.length === 0) continue;
    cursor.batch = value;
    cursor.at = 0;
    return true;
  }
}

function earliest(open: readonly Cursor[]): Cursor {
  const time = ({ batch, at }: Cursor): number => batch[at]?.at ?? Number.NEGATIVE_INFINITY;
  return open.reduce((first, one) => (time(one) < time(first) ? one : first));
}

interface Seen {
  readonly counts: Map<string, number>;
  given: number;
  at: number;
}

/** Whether no other log has had an event yet. */
function onceForAll(): (event: TimedEvent) => boolean {
  const seen = new Map<string, Seen>();
  return ({ event, at, source }) => {
    if (at === null) return true;
    for (const [key, { at: last }] of seen) {
      if (at - last <= SAME_WITHIN_MS && seen.size <= MAX_REMEMBERED) break;
      seen.delete(key);
    }
    // All guests of a storage lose it at the same time, and log the same.
    const key = `${shortHost(event.host)} ${event.text}`;
    const known = seen.get(key) ?? { counts: new Map<string, number>(), given: 0, at };
    // Removed and added again, so that the oldest come first.
    seen.delete(key);
    seen.set(key, known);
    known.at = Math.max(known.at, at);
    const count = (known.counts.get(source) ?? 0) + 1;
    known.counts.set(source, count);
    if (count <= known.given) return false;
    known.given = count;
    return true;
  };
}
