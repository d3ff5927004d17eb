import { dirname } from 'node:path';
import { missingFolders, STATE_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { type Purpose, placeOf, transactionFolder } from './purpose.ts';
import type { Entered } from './store.ts';

/** Makes the state's folders, for root alone. Where that fails, none of them stays. */
export async function enterState(target: Target, purpose: Purpose): Promise<Entered> {
  const missing = await missingFolders(target, placeOf(purpose).folder);
  const [first] = missing;
  const above = first === undefined ? undefined : dirname(first);
  const mtime = above === undefined ? undefined : (await target.stat(above))?.mtime;
  const parent = above === undefined || mtime === undefined ? null : { path: above, mtime };
  const made = { made: [...missing], parent };
  try {
    for (const folder of missing) await target.mkdir(folder, 0o700);
  } catch (error) {
    // Nothing else was done yet: where not even this can be taken back, an empty folder stays.
    await leaveState(target, purpose, made).catch(() => {});
    throw error;
  }
  return made;
}

/** Removes the state's folders where they are empty, and gives the time back to their parent if they were made for this. */
export async function leaveState(target: Target, purpose: Purpose, state?: Entered): Promise<void> {
  const folders = [placeOf(purpose).folder, STATE_FOLDER];
  const above = (state?.made ?? []).filter((path) => !folders.includes(path)).toReversed();
  for (const folder of [...folders, ...above]) {
    if ((await target.stat(folder)) === undefined) continue;
    if ((await target.list(folder)).length > 0) return;
    await target.removeTree(folder);
  }
  const parent = state?.parent ?? undefined;
  if (parent !== undefined) await target.setMtime(parent.path, parent.mtime);
}

/** Removes a transaction's folder, and the state's where they are empty then. */
export async function forget(
  target: Target,
  purpose: Purpose,
  number: number,
  state?: Entered,
): Promise<void> {
  const folder = transactionFolder(purpose, number);
  const record = `${folder}/${placeOf(purpose).record}`;
  // The record first: without it the rest is nothing.
  if ((await target.lstat(record)) !== undefined) await target.remove(record);
  if ((await target.lstat(folder)) !== undefined) await target.removeTree(folder);
  await leaveState(target, purpose, state);
}
