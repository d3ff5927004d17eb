import type { Target } from '../machine/port.ts';
import type { TransactionUser } from './handler.ts';
import {
  forget,
  incomplete,
  leaveState,
  PURPOSE_NAMES,
  type Purpose,
  placeOf,
  type Transaction,
  transactions,
} from './store.ts';
import { foreignChanges, type Undone, type UndoOptions, undo } from './undo.ts';

/** A run that was stopped in the middle, and what came of it. */
export interface Settled {
  readonly purpose: Purpose;
  readonly number: number;
  /** `undone`: a run that was stopped; `finished`: an undo that was stopped. Either way it is put back. */
  readonly how: 'undone' | 'finished';
  readonly undone: Undone;
}

/** A run that was stopped, and that cannot be put back without overwriting what somebody else has changed since. */
export interface Refused {
  readonly purpose: Purpose;
  readonly number: number;
  readonly how: 'refused';
  readonly error: Error;
}

/**
 * Puts back what killed runs have left in the middle, of every purpose, the newest first, and clears away what they had
 * only begun to keep. `options` are for the transactions of the purpose `own`: another's are never overwritten for it.
 */
export async function settle(
  target: Target,
  users: readonly TransactionUser[],
  own?: Purpose,
  options: UndoOptions = {},
): Promise<readonly (Settled | Refused)[]> {
  const settled: (Settled | Refused)[] = [];
  for (const { transaction, user } of await openTransactions(target, users)) {
    const { purpose, number, journal } = transaction;
    const mine = purpose === own ? options : {};
    const force = journal.force || mine.force === true;
    const foreign =
      user.refuse === undefined || force || mine.leave === true
        ? []
        : await foreignChanges(target, user, [transaction]);
    if (user.refuse !== undefined && foreign.length > 0) {
      settled.push({ purpose, number, how: 'refused', error: user.refuse(foreign) });
      continue;
    }
    const how = journal.isUndo ? 'finished' : 'undone';
    settled.push({ purpose, number, how, undone: await undo(target, user, transaction, { ...mine, force }) });
  }
  for (const { purpose } of users) await clear(target, purpose);
  return settled;
}

async function openTransactions(
  target: Target,
  users: readonly TransactionUser[],
): Promise<readonly { readonly transaction: Transaction; readonly user: TransactionUser }[]> {
  const found: { readonly transaction: Transaction; readonly user: TransactionUser }[] = [];
  for (const user of users) {
    const open = (await transactions(target, user.purpose)).filter(({ state }) => state === 'open');
    found.push(...open.map((transaction) => ({ transaction, user })));
  }
  const time = ({ transaction }: (typeof found)[number]): string => transaction.created;
  // Of one purpose the numbers count: a clock may have been set back.
  return found
    .sort((a, b) =>
      a.user === b.user ? a.transaction.number - b.transaction.number : time(a).localeCompare(time(b)),
    )
    .toReversed();
}

/** Removes what tells nothing that is needed: runs that never began to change, and what is done and keeps no record. */
async function clear(target: Target, purpose: Purpose): Promise<void> {
  for (const folder of await incomplete(target, purpose)) await target.removeTree(folder);
  await leaveState(target, purpose);
  if (placeOf(purpose).keeps.committed) return;
  for (const { number, state, entered } of await transactions(target, purpose))
    if (state === 'committed') await forget(target, purpose, number, entered);
}

/** A run that was stopped in the middle. */
export interface Interrupted {
  readonly purpose: Purpose;
  readonly number: number;
  /** Kernel release, of an installation. */
  readonly kernel: string | null;
}

/** Every run that was stopped in the middle. Reads only; throws as `transactions`. */
export async function interrupted(target: Target): Promise<readonly Interrupted[]> {
  const all = await Promise.all(PURPOSE_NAMES.map((purpose) => transactions(target, purpose)));
  return all
    .flat()
    .filter(({ state }) => state === 'open')
    .map(({ purpose, number, kernel }) => ({ purpose, number, kernel }));
}
