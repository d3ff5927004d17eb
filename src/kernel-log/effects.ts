import type { LogEvent } from './events.ts';
import type { Effect } from './signature.ts';

/** What the log says happened to one file system. */
export interface FileSystemEffect {
  /** The block device; null where the messages do not name it (`ext3_abort called.`). */
  readonly device: string | null;
  /** The gravest. */
  readonly effect: Effect;
}

const GRAVITY: readonly Effect[] = ['error', 'read-only', 'journal-aborted', 'shutdown'];

/**
 * What happened to each file system, errors alone included. A message without a device belongs to the device of the
 * message before it, or where there is none yet, of the message after it.
 */
export function fileSystemEffects(events: readonly LogEvent[]): readonly FileSystemEffect[] {
  const gravest = new Map<string | null, Effect>();
  let last: string | null = null;
  for (const { effect, fields } of events) {
    if (effect === undefined) continue;
    const device: string | null = fields.device ?? last;
    // 2.4 says `ext3_abort called.` before the message that names the device.
    const before = gravest.get(device) ?? (last === null ? gravest.get(null) : undefined);
    if (device !== null) gravest.delete(null);
    gravest.set(device, graver(before ?? 'error', effect));
    last = device;
  }
  return [...gravest].map(([device, effect]) => ({ device, effect }));
}

/** The worse of two effects. */
export function graver(one: Effect, other: Effect): Effect {
  return GRAVITY.indexOf(other) > GRAVITY.indexOf(one) ? other : one;
}
