import { type ErrorCode, failure, isFailure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { reason } from '../transaction/handler.ts';
import { type Planned, perform } from '../transaction/perform.ts';
import { type Transaction, transactions } from '../transaction/store.ts';
import { foreignChanges, undo, undoOrder } from '../transaction/undo.ts';
import { hardenUser, hardenUserOf, undoWordsOf } from './handlers.ts';

/**
 * Does all of it in one transaction, each change verified. What fails is put back with all that was done: then E_HARDEN,
 * or E_HARDEN_UNDO where that could not be done.
 */
export async function applyHarden(
  target: Target,
  planned: readonly Planned[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await perform(target, hardenUser, { planned, signal });
  } catch (error) {
    if (isFailure(error) && OWN_WORDS.has(error.failure.code)) throw error;
    signal.throwIfAborted();
    throw failure(
      'E_HARDEN',
      `${reason(error)}; everything was put back`,
      'remove the cause and run the same command again',
      { cause: error },
    );
  }
}

/** Said as they are; whatever else ends it is one that failed and was put back. */
const OWN_WORDS: ReadonlySet<ErrorCode> = new Set(['E_HARDEN_UNDO', 'E_STATE_UNSAFE', 'E_DRY_RUN']);

/** What an undo of all that was hardened would do: one line for each change, in its order. */
export async function plannedUndo(target: Target): Promise<readonly string[]> {
  const all = await transactions(target, 'harden');
  return all.toReversed().flatMap(({ steps }) => undoOrder(hardenUser, steps).map(undoWordsOf));
}

export interface UndoRequest {
  readonly force: boolean;
  /** `--device`: of a guest's tree, the device or image whose superblock is put back. */
  readonly device?: string | undefined;
}

/**
 * Throws E_FILE_CHANGED where somebody else has changed since what an undo of these would put back, unless that is
 * forced; E_STATE_UNSAFE where they are not to be undone on this target.
 */
export async function refuseUndo(
  target: Target,
  all: readonly Transaction[],
  { force, device }: UndoRequest,
): Promise<void> {
  const user = hardenUserOf(device);
  for (const { steps, folder } of all) user.permit?.(target, steps, folder);
  const foreign = force ? [] : await foreignChanges(target, user, all);
  if (foreign.length > 0) throw user.refuse?.(foreign);
}

/**
 * Undoes all that was hardened, the last run first. Answers what was left alone, in words, because it is gone or somebody
 * else has set it since and a reboot forgets it. Throws E_HARDEN_UNDO.
 */
export async function undoHarden(target: Target, { force, device }: UndoRequest): Promise<readonly string[]> {
  const skipped: string[] = [];
  for (const transaction of (await transactions(target, 'harden')).toReversed())
    skipped.push(
      ...(await undo(target, hardenUserOf(device), transaction, { force })).skipped.map(undoWordsOf),
    );
  return skipped;
}
