import type { LogEvent } from './events.ts';
import type { Effect } from './signature.ts';

/** What the log says happened to one file system. */
export interface FileSystemEffect {
  /** The block device; null where the messages do not name it (`ext3_abort called.`). */
  readonly device: string | null;
  /** The gravest. */
  readonly effect: Effect;
  /** Each kind of effect that was seen, in the order of the log. */
  readonly effects: readonly Effect[];
  /** The messages' events, in the order of the log. */
  readonly events: readonly LogEvent[];
}

const GRAVITY: readonly Effect[] = ['error', 'read-only', 'journal-aborted', 'shutdown'];

/**
 * What happened to each file system, errors alone included. A message without a device belongs to the device of the
 * message before it, or where there is none yet, of the message after it.
 */
export function fileSystemEffects(events: readonly LogEvent[]): readonly FileSystemEffect[] {
  const groups = new Map<string | null, LogEvent[]>();
  let last: string | null = null;
  for (const event of events) {
    if (event.effect === undefined) continue;
    const device: string | null = event.fields.device ?? last;
    const group = groups.get(device) ?? unnamed(groups, last);
    last = device;
    group.push(event);
    groups.set(device, group);
  }
  return [...groups].map(([device, group]) => effectOf(device, group));
}

/** 2.4 says `ext3_abort called.` before the message that names the device. */
function unnamed(groups: Map<string | null, LogEvent[]>, last: string | null): LogEvent[] {
  const group = last === null ? groups.get(null) : undefined;
  groups.delete(null);
  return group ?? [];
}

function effectOf(device: string | null, events: readonly LogEvent[]): FileSystemEffect {
  const effects = [...new Set(events.flatMap(({ effect }) => (effect === undefined ? [] : [effect])))];
  return { device, effect: effects.reduce(graver, 'error'), effects, events };
}

/** The worse of two effects. */
export function graver(one: Effect, other: Effect): Effect {
  return GRAVITY.indexOf(other) > GRAVITY.indexOf(one) ? other : one;
}
