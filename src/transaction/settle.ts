import { type FailureError, isFailure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import type { TransactionUser } from './handler.ts';
import { PURPOSE_NAMES, type Purpose, placeOf } from './purpose.ts';
import { forget, leaveState } from './state-folders.ts';
import { incomplete, type Transaction, transactions } from './store.ts';
import { foreignChanges, type Undone, type UndoOptions, undo } from './undo.ts';

/** An interrupted run, and what was done about it. */
export interface Settled {
  readonly purpose: Purpose;
  readonly number: number;
  /** `undone`: a run that was stopped; `finished`: an undo that was stopped. Either way it is put back. */
  readonly how: 'undone' | 'finished';
  readonly undone: Undone;
}

/** What cannot be put back now: it would overwrite what somebody else has changed since, or it fails. */
export interface Refused {
  readonly purpose: Purpose;
  /** Null: the records of this purpose are not as we write them. */
  readonly number: number | null;
  readonly how: 'refused';
  readonly error: FailureError;
}

/**
 * Puts back what interrupted runs of every purpose have left, the newest first, and clears away what they had
 * only begun to keep. `options` are for the transactions of the purpose `own`: another's are never overwritten for it.
 *
 * Throws what stands against one of the purpose `own`; against another, it is answered: a rollback must not fail because
 * of what a run of harden has left.
 */
export async function settle(
  target: Target,
  users: readonly TransactionUser[],
  own?: Purpose,
  options: UndoOptions = {},
): Promise<readonly (Settled | Refused)[]> {
  const settled: (Settled | Refused)[] = [];
  const open: Open[] = [];
  const readable: Purpose[] = [];
  const orRefused = async (purpose: Purpose, number: number | null, act: () => Promise<void>) => {
    try {
      await act();
    } catch (error) {
      if (own === undefined || purpose === own || !isFailure(error)) throw error;
      settled.push({ purpose, number, how: 'refused', error });
    }
  };
  for (const user of users) {
    await orRefused(user.purpose, null, async () => {
      open.push(...(await openTransactions(target, user)));
      readable.push(user.purpose);
    });
  }
  for (const one of open.toSorted(newestFirst)) {
    const { purpose, number } = one.transaction;
    await orRefused(purpose, number, async () => {
      settled.push(await settleOne(target, one, purpose === own ? options : {}));
    });
  }
  for (const purpose of readable) await clear(target, purpose);
  return settled;
}

interface Open {
  readonly transaction: Transaction;
  readonly user: TransactionUser;
}

async function openTransactions(target: Target, user: TransactionUser): Promise<readonly Open[]> {
  const all = await transactions(target, user.purpose);
  return all.flatMap((transaction) => (transaction.state === 'open' ? [{ transaction, user }] : []));
}

/** Of one purpose the numbers count: a clock may have been set back. */
function newestFirst({ transaction: a }: Open, { transaction: b }: Open): number {
  return a.purpose === b.purpose ? b.number - a.number : b.created.localeCompare(a.created);
}

async function settleOne(
  target: Target,
  { transaction, user }: Open,
  options: UndoOptions,
): Promise<Settled> {
  const { purpose, number, journal } = transaction;
  const force = journal.force || options.force === true;
  user.permit?.(target, transaction.steps, transaction.folder);
  if (user.refuse !== undefined && !force && options.leave !== true) {
    const foreign = await foreignChanges(target, user, [transaction]);
    if (foreign.length > 0) throw user.refuse(foreign);
  }
  const undone = await undo(target, user, transaction, { ...options, force });
  return { purpose, number, how: journal.isUndo ? 'finished' : 'undone', undone };
}

/** Removes what tells nothing that is needed: runs that never began to change, and what is done and keeps no record. */
async function clear(target: Target, purpose: Purpose): Promise<void> {
  for (const folder of await incomplete(target, purpose)) await target.removeTree(folder);
  await leaveState(target, purpose);
  if (placeOf(purpose).keeps.committed) return;
  for (const { number, state, entered } of await transactions(target, purpose))
    if (state === 'committed') await forget(target, purpose, number, entered);
}

/** An interrupted run. */
export interface Interrupted {
  readonly purpose: Purpose;
  readonly number: number;
  /** Kernel release, of an installation. */
  readonly kernel: string | null;
}

/**
 * Every interrupted run. Reads only; throws as `transactions`, but that a record is not as we write
 * it goes to `unreadable`.
 */
export async function interrupted(
  target: Target,
  unreadable: (error: FailureError) => void,
): Promise<readonly Interrupted[]> {
  const found: Interrupted[] = [];
  for (const purpose of PURPOSE_NAMES) {
    try {
      for (const { number, kernel, state } of await transactions(target, purpose))
        if (state === 'open') found.push({ purpose, number, kernel });
    } catch (error) {
      if (!isFailure(error)) throw error;
      unreadable(error);
    }
  }
  return found;
}
