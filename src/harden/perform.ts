import { dirname } from 'node:path';
import { failure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { recordFile } from '../machine/record.ts';
import { isTemporaryName } from '../machine/writes.ts';
import { handlerOf, undoWordsOf, wordsOf } from './handlers.ts';
import {
  type Change,
  type ChangeSet,
  dropRemains,
  forgetSet,
  makeSetFolder,
  markApplied,
  markOpen,
  nextNumber,
  setFolder,
  storedSets,
  writeSet,
} from './sets.ts';
import { calmUdev, undoOrder } from './udev-events.ts';

/** A change and, of a file, its new bytes. */
export interface Planned {
  readonly change: Change;
  readonly content?: Uint8Array;
}

/** Keeps the originals and writes down what is meant, and only then may anything be changed. */
export async function begin(target: Target, planned: readonly Planned[]): Promise<ChangeSet> {
  const number = await nextNumber(target);
  await makeSetFolder(target, number);
  for (const { change } of planned) {
    if (change.kind !== 'file' || change.backup === null) continue;
    const copy = `${setFolder(number)}/${change.backup}`;
    await target.copy(change.path, copy);
    if ((await recordFile(target, copy))?.sha256 !== change.before?.sha256)
      throw new Error(`the backup of ${change.path} differs from it`);
  }
  const paths = planned.flatMap(({ change }) =>
    'path' in change && change.kind !== 'sysfs' ? [dirname(change.path)] : [],
  );
  const folders = await Promise.all(
    [...new Set(paths)].map(async (path) => ({ path, mtime: (await target.stat(path))?.mtime })),
  );
  const set: ChangeSet = {
    schema: 'mptfix.harden-set/1',
    number,
    created: new Date().toISOString(),
    changes: planned.map(({ change }) => change),
    folders: folders.flatMap(({ path, mtime }) => (mtime === undefined ? [] : [{ path, mtime }])),
  };
  await writeSet(target, set);
  return set;
}

/** Makes one change and looks whether it is there. */
export async function make(target: Target, { change, content }: Planned): Promise<void> {
  const handler = handlerOf(change);
  await handler.make(target, change, content);
  const standing = await handler.standing(target, change);
  if (standing !== 'after')
    throw new Error(`${wordsOf(change)}: it is not so after it was done (${standing})`);
}

/**
 * Does all of it, each change verified. What fails is put back with all that was done: then E_HARDEN, or
 * E_HARDEN_UNDO where that could not be done.
 */
export async function perform(
  target: Target,
  planned: readonly Planned[],
  signal: AbortSignal,
): Promise<void> {
  const set = await begin(target, planned);
  try {
    let isCalm = false;
    for (const one of planned) {
      signal.throwIfAborted();
      if (one.change.kind === 'sysfs' && !isCalm) {
        await calmUdev(target);
        isCalm = true;
      }
      await make(target, one);
    }
    await markApplied(target, set.number);
  } catch (error) {
    await undoSet(target, set);
    signal.throwIfAborted();
    throw failure(
      'E_HARDEN',
      `${error instanceof Error ? error.message : String(error)}; everything was put back`,
      'remove the cause and run the same command again',
      { cause: error },
    );
  }
}

/** What an undo left alone, because somebody else has set it since and a reboot forgets it. */
export type LeftAlone = readonly string[];

/** Undoes a set, the last change first, what udev might set again at the end. Safe to run again after it was stopped anywhere. Throws E_HARDEN_UNDO. */
export async function undoSet(target: Target, set: ChangeSet): Promise<LeftAlone> {
  const left: string[] = [];
  try {
    await markOpen(target, set.number);
    let isCalm = false;
    for (const change of undoOrder(set.changes)) {
      if (change.kind === 'sysfs' && !isCalm) {
        await calmUdev(target);
        isCalm = true;
      }
      const handler = handlerOf(change);
      const standing = await handler.standing(target, change);
      if (standing === 'before') continue;
      if (standing === 'gone' || (standing === 'other' && handler.volatile)) left.push(undoWordsOf(change));
      else await handler.putBack(target, change, set.number);
    }
    for (const { path, mtime } of set.folders) await restoreFolder(target, path, mtime);
    await forgetSet(target, set.number);
    return left;
  } catch (error) {
    throw failure(
      'E_HARDEN_UNDO',
      `the undo was stopped: ${error instanceof Error ? error.message : String(error)}`,
      `the originals are in ${setFolder(set.number)}; remove the cause and run mptfix harden --undo again`,
      { cause: error },
    );
  }
}

async function restoreFolder(target: Target, path: string, mtime: string): Promise<void> {
  for (const name of await target.list(path)) {
    if (isTemporaryName(name)) await target.remove(`${path}/${name}`);
  }
  const status = await target.stat(path);
  if (status !== undefined && status.mtime !== mtime) await target.setMtime(path, mtime);
}

/** Puts back what a killed run has left in the middle. Answers how many sets there were. Throws E_FILE_CHANGED. */
export async function finishOpenSets(target: Target): Promise<number> {
  const open = (await storedSets(target)).filter(({ state }) => state === 'open');
  await refuseForeign(
    target,
    open.map(({ set }) => set),
  );
  for (const { set } of open.toReversed()) await undoSet(target, set);
  await dropRemains(target);
  return open.length;
}

/** Throws E_FILE_CHANGED where somebody else has changed since what an undo would put back. */
export async function refuseForeign(target: Target, sets: readonly ChangeSet[]): Promise<void> {
  const foreign: string[] = [];
  // A later set stands over an earlier one: what it found is what the earlier one left.
  const seen = new Set<string>();
  for (const set of sets.toReversed()) {
    for (const change of set.changes.toReversed()) {
      const handler = handlerOf(change);
      const key = keyOf(change);
      if (seen.has(key)) continue;
      seen.add(key);
      if (!handler.volatile && (await handler.standing(target, change)) === 'other') foreign.push(key);
    }
  }
  if (foreign.length === 0) return;
  throw failure(
    'E_FILE_CHANGED',
    `changed by somebody else since mptfix hardened this guest, and not overwritten: ${foreign.join(', ')}`,
    'look at the difference to the original in /var/lib/mptfix/harden; to put the original over it: mptfix harden --undo --force',
  );
}

function keyOf(change: Change): string {
  if ('path' in change) return change.path;
  return change.kind === 'mount-option' ? change.mountPoint : `superblock of ${change.device}`;
}
