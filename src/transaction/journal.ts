import * as v from 'valibot';
import type { FileRecord } from '../machine/record.ts';

/** `open`: the run was interrupted, or is still at work. `committed`: all of it was done. `undone`: all of it was put back. */
export type TransactionState = 'open' | 'committed' | 'undone';

export type JournalEvent = 'begin' | 'intent' | 'done' | 'committed' | 'rolling-back' | 'rolled-back';

/** SHA-256 by path. */
export type Contents = Readonly<Record<string, string>>;

/** What a line may say beside its time. */
export interface JournalLine {
  readonly event: JournalEvent;
  /** With `intent` and `done`: which step, counted from 0, and its kind, for readers. */
  readonly step?: number;
  readonly kind?: string;
  /** With `intent`: what undoes it; `restore` is the kept copy, or null where the file is removed again. */
  readonly undo?: readonly { readonly path: string; readonly restore: string | null }[];
  /** What the step will write, where that is known, and with `done` what it has written. */
  readonly becomes?: Contents;
  /** With `rolling-back`: also over files that somebody else has changed. */
  readonly force?: boolean;
}

/** What the lines of a journal come to. */
export interface Journal {
  readonly state: TransactionState;
  /** An undo was under way. */
  readonly isUndo: boolean;
  readonly force: boolean;
  /** Steps whose intent was written: only they can have changed anything. */
  readonly begun: ReadonlySet<number>;
  readonly done: ReadonlySet<number>;
  /** Every content, by path, that the transaction wrote or was about to write. */
  readonly becomes: ReadonlyMap<string, ReadonlySet<string>>;
}

/** The last of these in the journal says what state the transaction is in. */
const STATE_OF_EVENT: Readonly<Partial<Record<string, TransactionState>>> = {
  begin: 'open',
  committed: 'committed',
  'rolling-back': 'open',
  'rolled-back': 'undone',
} satisfies Partial<Record<JournalEvent, TransactionState>>;

/**
 * Reads the journal of a transaction of so many steps. What is torn or not a line of ours did not happen: a line is
 * durable before its act. But where it says that all was done, all was, whichever line of it is damaged.
 */
export function readJournal(text: string, steps: number): Journal {
  let state: TransactionState = 'open';
  let isUndo = false;
  let force = false;
  let begun = new Set<number>();
  let done = new Set<number>();
  const becomes = new Map<string, Set<string>>();
  for (const line of text.split('\n').flatMap(parseLine)) {
    state = STATE_OF_EVENT[line.event] ?? state;
    if (line.event === 'rolling-back') {
      isUndo = true;
      force = line.force === true;
    }
    if (line.event === 'intent' && line.step !== undefined) begun.add(line.step);
    if (line.event === 'done' && line.step !== undefined) done.add(line.step);
    if (line.event === 'committed') [begun, done] = [allOf(steps), allOf(steps)];
    for (const [path, sha256] of Object.entries(line.becomes ?? {}))
      becomes.set(path, (becomes.get(path) ?? new Set()).add(sha256));
  }
  return { state, isUndo, force, begun, done, becomes };
}

/** The journal of a transaction of which another file, written when every step was done, tells what it left. */
export function completedJournal(journal: Journal, steps: number, after: readonly FileRecord[]): Journal {
  const becomes = new Map(journal.becomes);
  for (const { path, sha256 } of after) becomes.set(path, new Set([...(becomes.get(path) ?? []), sha256]));
  return { ...journal, begun: allOf(steps), done: allOf(steps), becomes };
}

function allOf(steps: number): Set<number> {
  return new Set(Array.from({ length: steps }, (_, index) => index));
}

const readLine = v.object({
  event: v.fallback(v.string(), ''),
  step: v.fallback(v.optional(v.number()), undefined),
  becomes: v.fallback(v.optional(v.record(v.string(), v.string())), undefined),
  force: v.fallback(v.optional(v.boolean()), undefined),
});

function parseLine(line: string): readonly v.InferOutput<typeof readLine>[] {
  try {
    const result = v.safeParse(readLine, JSON.parse(line));
    return result.success ? [result.output] : [];
  } catch {
    return [];
  }
}
