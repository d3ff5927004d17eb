import { setTimeout } from 'node:timers/promises';
import { readAvailable } from '../filesystems/kernel-messages.ts';
import { logMarks } from '../kernel-log/marks.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { ReadStream, Target } from '../machine/port.ts';
import type { Finding } from './look.ts';
import { type OnceOptions, type OnceResult, watchOnce } from './once.ts';

/** How often the kernel's messages are read; a look follows on each that speaks of a file system. */
const POLL_MS = 200;
/** The kernel says that it gives up a moment before the mount table shows it. */
const SECOND_LOOK_MS = 500;
/** A look in any case, for what the kernel says nothing about; each second where its messages cannot be read. */
const SAFETY_MS = 60_000;
const NO_MESSAGES_MS = 1000;

export interface Change {
  readonly finding: Finding;
  readonly before: Finding['state'] | undefined;
}

export interface FollowOptions extends OnceOptions {
  readonly onChange: (change: Change) => void;
  readonly onNotes: (result: OnceResult) => void;
  readonly signal: AbortSignal;
}

/** Watches until the signal, in constant memory: a look at the start, then whenever the kernel says something of it. */
export async function follow(target: Target, options: FollowOptions): Promise<void> {
  const stream = await openMessages(target);
  let states = new Map<string, Finding['state']>();
  const lookNow = async (): Promise<void> => {
    const result = await watchOnce(target, options);
    for (const finding of result.look.findings) {
      const before = states.get(finding.key);
      if (before !== finding.state) options.onChange({ finding, before });
    }
    states = new Map(result.look.findings.map(({ key, state }) => [key, state]));
    options.onNotes(result);
  };
  try {
    drain(stream);
    await lookNow();
    let next = Date.now() + (stream === undefined ? NO_MESSAGES_MS : SAFETY_MS);
    while (!options.signal.aborted) {
      await setTimeout(POLL_MS, undefined, { signal: options.signal }).catch(() => {});
      const spoke = drain(stream);
      if (!spoke && Date.now() < next) continue;
      await lookNow();
      const usual = stream === undefined ? NO_MESSAGES_MS : SAFETY_MS;
      next = Date.now() + (spoke ? SECOND_LOOK_MS : usual);
    }
  } finally {
    stream?.close();
  }
}

/** Whether one of the messages that came since speaks of a file system. */
function drain(stream: ReadStream | undefined): boolean {
  let spoke = false;
  if (stream !== undefined)
    readAvailable(stream, ({ text }) => {
      spoke ||= logMarks(text).length > 0;
    });
  return spoke;
}

async function openMessages(target: Target): Promise<ReadStream | undefined> {
  // A device of a tree may lead to any disk of this machine.
  if (!traitsOf(target).isHere) return undefined;
  try {
    return await target.openStream('/dev/kmsg');
  } catch {
    return undefined;
  }
}
