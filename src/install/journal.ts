import type { Target } from '../machine/port.ts';

/**
 * `installed`: in force. `rolled-back`: undone. `open`: a run was stopped in the middle, and the next command puts
 * everything back. `replaced`: a later state of somebody else's stands over it (told by `generations`, not written).
 */
export type GenerationState = 'installed' | 'rolled-back' | 'replaced' | 'open';

/** What a line may say beside its time. */
export interface JournalLine {
  readonly event: JournalEvent;
  /** With `intent` and `done`: which step. */
  readonly step?: string;
  /** With `intent`: what undoes it; `restore` is the kept copy, or null where the file is removed again. */
  readonly undo?: readonly { readonly path: string; readonly restore: string | null }[];
  /** SHA-256 by path: what the step will write, where that is known, and with `done` what it has written. */
  readonly becomes?: Readonly<Record<string, string>>;
  /** With `rolling-back`: also over files that somebody else has changed. */
  readonly force?: boolean;
}

export type JournalEvent = 'begin' | 'intent' | 'done' | 'installed' | 'rolling-back' | 'rolled-back';

/** What the lines of a journal come to. */
export interface Journal {
  readonly state: Exclude<GenerationState, 'replaced'>;
  /** An undo was under way, of a finished installation. */
  readonly isRollback: boolean;
  readonly force: boolean;
  /** Steps whose intent was written: only they can have changed anything. */
  readonly begun: ReadonlySet<string>;
  readonly done: ReadonlySet<string>;
  /** Every content, by path, that the installation wrote or was about to write. */
  readonly becomes: ReadonlyMap<string, ReadonlySet<string>>;
}

/** The last of these in the journal says how the generation stands. */
const STATE_OF_EVENT: Readonly<Partial<Record<JournalEvent, Journal['state']>>> = {
  begin: 'open',
  installed: 'installed',
  'rolling-back': 'open',
  'rolled-back': 'rolled-back',
};

/** Adds one line with its time, and waits until the disk has it. */
export async function appendLine(target: Target, path: string, line: JournalLine): Promise<void> {
  const text = JSON.stringify({ time: new Date().toISOString(), ...line });
  // A power cut may have left half a line: it must not swallow this one.
  const torn = !((await target.readText(path)) ?? '\n').endsWith('\n');
  await target.append(path, `${torn ? '\n' : ''}${text}\n`);
}

/** Reads a journal. What is torn or not a line of ours did not happen: a line is durable before its act. */
export function readJournal(text: string): Journal {
  let state: Journal['state'] = 'open';
  let isRollback = false;
  let force = false;
  const begun = new Set<string>();
  const done = new Set<string>();
  const becomes = new Map<string, Set<string>>();
  for (const line of text.split('\n').map(parseLine)) {
    const { event, step } = line;
    state = STATE_OF_EVENT[event as JournalEvent] ?? state;
    if (event === 'rolling-back') {
      isRollback = true;
      force = line.force === true;
    }
    if (typeof step === 'string' && event === 'intent') begun.add(step);
    if (typeof step === 'string' && event === 'done') done.add(step);
    for (const [path, sha256] of Object.entries(line.becomes ?? {})) {
      becomes.set(path, (becomes.get(path) ?? new Set()).add(String(sha256)));
    }
  }
  return { state, isRollback, force, begun, done, becomes };
}

type ReadLine = { readonly [Key in keyof JournalLine]?: unknown } & { readonly becomes?: object };

function parseLine(line: string): ReadLine {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return {};
    const { becomes, ...rest } = entry as Record<string, unknown>;
    return typeof becomes === 'object' && becomes !== null ? { ...rest, becomes } : rest;
  } catch {
    return {};
  }
}
