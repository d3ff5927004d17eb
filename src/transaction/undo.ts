import { uninterrupted } from '../interruption.ts';
import { isTemporaryName } from '../machine/durable.ts';
import type { Target } from '../machine/port.ts';
import { handlerOf, type TransactionUser, UNDO_RANKS, type Undoing } from './handler.ts';
import { placeOf } from './purpose.ts';
import { forget } from './state-folders.ts';
import { foldersOf, madeFolders, type Step } from './steps.ts';
import { journal, type Transaction } from './store.ts';

/** What an undo came to. */
export interface Undone {
  /** Of each step that was begun, in the order of the undo; without those below. */
  readonly steps: readonly { readonly step: Step; readonly how: Undoing }[];
  /** What somebody else has changed since: it was left as it is. */
  readonly left: readonly Step[];
  /** What is no longer there, or was set by somebody else since and forgotten at a reboot anyway. */
  readonly skipped: readonly Step[];
}

/** What becomes of things that somebody else has changed since. */
export interface UndoOptions {
  /** They are overwritten. */
  readonly force?: boolean;
  /** They are left, also where the originals are forgotten then. */
  readonly leave?: boolean;
}

/**
 * Undoes a transaction and says so in its journal; the record goes where its purpose keeps none. Throws as `permit`; or `undoFailed`, and
 * then the next run continues with it; or `refuse`, and all but what is foreign is put back.
 */
export async function undo(
  target: Target,
  user: TransactionUser,
  transaction: Transaction,
  options: UndoOptions = {},
): Promise<Undone> {
  return uninterrupted(PUTS_BACK, () => undoWhole(target, user, transaction, options));
}

/** For who has sent a signal meanwhile. */
export const PUTS_BACK =
  'the guest is put back as it was first, and that is not cut off: it would leave half of a change';

async function undoWhole(
  target: Target,
  user: TransactionUser,
  transaction: Transaction,
  { force = false, leave = false }: UndoOptions,
): Promise<Undone> {
  const { purpose, number, folder } = transaction;
  user.permit?.(target, transaction.steps, folder);
  try {
    await sayRollingBack(target, transaction, force);
    const undone = await undoSteps(target, user, transaction, force);
    if (placeOf(purpose).keeps.undone) {
      await journal(target, folder, 'rolled-back');
      return undone;
    }
    // Found by `foreignChanges` before it is begun; this is what came between.
    const foreign = undone.left.map((step) => handlerOf(user, step).about(step));
    if (foreign.length > 0 && !leave && user.refuse !== undefined) throw user.refuse(foreign);
    await forget(target, purpose, number, transaction.entered);
    return undone;
  } catch (error) {
    throw user.undoFailed(error, folder);
  }
}

/** On a full disk a run that was stopped is put back without a line about it: it is open already. */
async function sayRollingBack(target: Target, { folder, state }: Transaction, force: boolean): Promise<void> {
  try {
    await journal(target, folder, 'rolling-back', force ? { force } : {});
  } catch (error) {
    if (state !== 'open') throw error;
  }
}

/**
 * Puts back all that the steps of a transaction have changed: bytes, modes, owners, times, extended attributes. Safe to
 * run again after it was stopped anywhere.
 *
 * What somebody else has changed since is not overwritten, unless by force: a module of a kernel update stays; a
 * module index that was rebuilt for another module's sake is rebuilt, as is an initramfs.
 */
export async function undoSteps(
  target: Target,
  user: TransactionUser,
  transaction: Transaction,
  force = false,
): Promise<Undone> {
  const { folder, steps: all, journal: known } = transaction;
  await removeLeftovers(target, user, transaction);
  const steps: { readonly step: Step; readonly how: Undoing }[] = [];
  const left: Step[] = [];
  const skipped: Step[] = [];
  const seen = new Set<Step['kind']>();
  for (const step of undoOrder(
    user,
    all.filter((_, index) => known.begun.has(index)),
  )) {
    const handler = handlerOf(user, step);
    if (!seen.has(step.kind)) await handler.beforeFirst?.(target);
    seen.add(step.kind);
    const isDone = known.done.has(all.indexOf(step));
    const context = { target, folder, isDone, becomes: known.becomes, left };
    const current = handler.alwaysUndo === true ? 'after' : await handler.current(context, step);
    if (current === 'gone' || (current === 'other' && handler.isVolatile === true)) skipped.push(step);
    else if (current === 'other' && !force) left.push(step);
    else steps.push({ step, how: current === 'before' ? 'restored' : await handler.undo(context, step) });
  }
  const disturbed = [...left, ...steps.filter(({ how }) => how === 'rebuilt').map(({ step }) => step)];
  await putFolderTimesBack(target, transaction, new Set(disturbed.flatMap(foldersOf)));
  return { steps, left, skipped };
}

/** The steps in the order of their undo: by the ranks of their kinds, and within one the last first. */
export function undoOrder(user: TransactionUser, steps: readonly Step[]): readonly Step[] {
  const backwards = steps.toReversed();
  return UNDO_RANKS.flatMap((rank) =>
    backwards.filter((step) => (handlerOf(user, step).rank ?? 'usual') === rank),
  );
}

/** By name, what somebody else has changed since, of what an undo of all these transactions would put back. */
export async function foreignChanges(
  target: Target,
  user: TransactionUser,
  transactions: readonly Transaction[],
): Promise<readonly string[]> {
  const foreign: string[] = [];
  // A later transaction stands over an earlier one: what it found is what the earlier one left.
  const seen = new Set<string>();
  for (const { folder, steps, journal: known } of transactions.toReversed()) {
    for (const [index, step] of [...steps.entries()].toReversed()) {
      const handler = handlerOf(user, step);
      const name = handler.about(step);
      if (seen.has(name) || !known.begun.has(index) || handler.alwaysUndo === true) continue;
      seen.add(name);
      const context = { target, folder, isDone: known.done.has(index), becomes: known.becomes };
      if (handler.isVolatile !== true && (await handler.current(context, step)) === 'other')
        foreign.push(name);
    }
  }
  return foreign;
}

/** Of a folder that others have had to change, the time is theirs. */
async function putFolderTimesBack(
  target: Target,
  { folders }: Transaction,
  disturbed: ReadonlySet<string>,
): Promise<void> {
  for (const { path, mtime } of folders) {
    const now = (await target.stat(path))?.mtime;
    if (now !== undefined && now !== mtime && !disturbed.has(path)) await target.setMtime(path, mtime);
  }
}

/** Where a step's programs may work: gone when the transaction is. */
export function scratchFolder(folder: string): string {
  return `${folder}/tmp`;
}

/** What a killed run, or a program that was killed with it, was writing when it was killed. */
async function removeLeftovers(
  target: Target,
  user: TransactionUser,
  { folder, folders, steps }: Transaction,
): Promise<void> {
  const scratch = scratchFolder(folder);
  if ((await target.lstat(scratch)) !== undefined) await target.removeTree(scratch);
  const kinds = new Map(steps.map((step) => [step.kind, step]));
  const checks = [...kinds.values()].flatMap((step) => handlerOf(user, step).isLeftover ?? []);
  const own = [folder, `${folder}/originals`];
  for (const path of new Set([...own, ...folders.map((one) => one.path), ...madeFolders(steps)])) {
    for (const name of await target.list(path)) {
      const answers = await Promise.all(checks.map((check) => check(target, name)));
      if (isTemporaryName(name) || answers.some(Boolean)) await target.remove(`${path}/${name}`);
    }
  }
}
