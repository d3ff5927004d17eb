import { isFailure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { recordFile, sameRecord } from '../machine/record.ts';
import type { Progress } from '../progress.ts';
import type { Contents } from './journal.ts';
import type { Purpose } from './purpose.ts';
import type { Step, StepKind, StepOf, TouchedFile } from './steps.ts';

/** What a step acts with. */
export interface ActContext {
  readonly target: Target;
  /** The transaction's own folder. */
  readonly folder: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Takes what was seen, in words, where that is worth to be kept. */
  readonly seen: (words: string) => void;
}

/** What is known of a step by the time that it is looked at again. */
export interface StepContext {
  readonly target: Target;
  /** The transaction's own folder, with its originals. */
  readonly folder: string;
  /** Whether the journal says that the step came to its end. */
  readonly isDone: boolean;
  /** Every content, by path, that the transaction wrote or was about to write. */
  readonly becomes: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface UndoContext extends StepContext {
  /** Steps that this undo has left, because somebody else has changed what they are about. */
  readonly left: readonly Step[];
}

/** How the thing that a step is about is now. `other`: neither as before nor as the step leaves it. */
export type Current = 'before' | 'after' | 'other' | 'gone';

/** `rebuilt`: made from what the guest holds now, as others had rebuilt it since. `kept`: theirs was right already. */
export type Undoing = 'restored' | 'rebuilt' | 'kept';

/**
 * The ranks in which steps are undone, and within one the last first. The boot menu must never name an image that is
 * gone; the index is rebuilt for the module that is back; the kept images are what images are put back from; and what
 * an event of the steps before could set again comes last.
 */
export const UNDO_RANKS = ['menu', 'usual', 'index', 'image', 'kept-image', 'folder', 'running'] as const;
export type UndoRank = (typeof UNDO_RANKS)[number];

/** What a kind of step does. */
export interface Handler<S extends Step> {
  /** Does it; `content` is a file's new bytes. */
  readonly act: (context: ActContext, step: S, content: Uint8Array | undefined) => Promise<void>;
  /** What it will write, asked just before it acts; left out where nothing is known. */
  readonly becomes?: (context: ActContext, step: S, content: Uint8Array | undefined) => Promise<Contents>;
  readonly current: (context: StepContext, step: S) => Promise<Current>;
  /** Puts back what was. Safe to run again after it was stopped anywhere. */
  readonly undo: (context: UndoContext, step: S) => Promise<Undoing>;
  /** One line for a person. */
  readonly words: (step: S) => string;
  /** The same for its undo: the way back. */
  readonly undoWords: (step: S) => string;
  /** What it is about: a later transaction's step of the same name stands over an earlier one's. */
  readonly about: (step: S) => string;
  /** Forgotten by the running kernel at a reboot: nothing is lost where somebody else has set it since. */
  readonly isVolatile?: boolean;
  /** Its undo is right whatever others have changed, and is always asked. */
  readonly alwaysUndo?: boolean;
  /** Whether it is looked at again after it was done. */
  readonly isReadBack?: boolean;
  readonly rank?: UndoRank;
  /** Called once before the first step of this kind, when steps are done and when they are undone. */
  readonly beforeFirst?: (target: Target) => Promise<void>;
  /** Whether a name in a folder is what a program that was killed in such a step has left. */
  readonly isLeftover?: (target: Target, name: string) => Promise<boolean>;
}

export type Handlers<K extends StepKind> = { readonly [Kind in K]: Handler<StepOf<Kind>> };

/** A room that changes guests by transactions: what its steps do, and its words for what goes wrong. */
export interface TransactionUser {
  readonly purpose: Purpose;
  readonly handlers: Partial<Handlers<StepKind>>;
  /** The error of an undo that could not be finished, for `error`; `cause` is why a failed run had to be put back. */
  readonly undoFailed: (error: unknown, folder: string, cause?: unknown) => Error;
  /**
   * The error of an undo that would overwrite what somebody else has changed since, by names; left out where such is
   * left as it is, and named.
   */
  readonly refuse?: (foreign: readonly string[]) => Error;
  /** Throws where the steps are not to be undone on this target, before the first of them is looked at. */
  readonly permit?: (target: Target, steps: readonly Step[], folder: string) => void;
}

/** The handler of a step. */
export function handlerOf({ handlers, purpose }: TransactionUser, step: Step): Handler<Step> {
  const handler = handlers[step.kind];
  if (handler === undefined) throw new Error(`${purpose} knows no step “${step.kind}”`);
  // The table pairs each kind with its own handler, which the type of a look-up by a union cannot say.
  return handler as unknown as Handler<Step>;
}

/** How the files of a step are now. */
export async function currentFiles(context: StepContext, files: readonly TouchedFile[]): Promise<Current> {
  let isBefore = true;
  for (const file of files) {
    const now = await recordFile(context.target, file.path);
    if (sameRecord(now, file.original ?? undefined)) continue;
    if (!isOurs(context, file, now?.sha256)) return 'other';
    isBefore = false;
  }
  return isBefore ? 'before' : 'after';
}

/** Whether a file has the content of before, or one that the transaction gave it: then it may be put back. */
export function isOurs(context: StepContext, file: TouchedFile, now: string | undefined): boolean {
  if (now === file.original?.sha256) return true;
  const known = context.becomes.get(file.path);
  // A step that was stopped has left what nobody knows; it is its own.
  if (!context.isDone && (known === undefined || now === undefined)) return true;
  return now === undefined ? known === undefined : known?.has(now) === true;
}

/** Why something failed, in one line. */
export function reason(error: unknown): string {
  if (isFailure(error)) return error.failure.what;
  return error instanceof Error ? error.message : String(error);
}
