import * as v from 'valibot';
import { failure } from '../errors.ts';
import { makeFolders, requirePrivate, STATE_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { fileRecord } from '../machine/record.ts';

/** Where all that an undo needs is kept. */
export const HARDEN_FOLDER = `${STATE_FOLDER}/harden`;

const policy = v.picklist(['continue', 'remount-ro', 'panic']);

/** One thing that is changed, with what it was: enough to undo it, and to see whether somebody else changed it since. */
const change = v.variant('kind', [
  v.object({
    kind: v.literal('superblock'),
    device: v.string(),
    uuid: v.string(),
    before: policy,
    after: policy,
  }),
  /** The superblock of a tree's device or image, whose path is the controller's. */
  v.object({
    kind: v.literal('image'),
    device: v.string(),
    uuid: v.string(),
    before: policy,
    after: policy,
  }),
  v.object({
    kind: v.literal('file'),
    path: v.string(),
    what: v.string(),
    /** Null: there was none. */
    before: v.nullable(fileRecord),
    /** Name of the kept copy in the set's folder. */
    backup: v.nullable(v.string()),
    /** SHA-256 of the new content. */
    after: v.string(),
    mode: v.number(),
  }),
  v.object({ kind: v.literal('folder'), path: v.string() }),
  v.object({ kind: v.literal('link'), path: v.string(), target: v.string() }),
  v.object({
    kind: v.literal('mount-option'),
    mountPoint: v.string(),
    device: v.string(),
    before: policy,
    after: policy,
  }),
  v.object({ kind: v.literal('sysfs'), path: v.string(), before: v.string(), after: v.string() }),
]);
export type Change = v.InferOutput<typeof change>;

const setSchema = v.object({
  schema: v.literal('mptfix.harden-set/1'),
  number: v.number(),
  created: v.string(),
  changes: v.array(change),
  /** Folders whose entries change, with their own times. */
  folders: v.array(v.object({ path: v.string(), mtime: v.string() })),
});

/** What one run of `harden --apply` changes: written as a whole before the first of it is done. */
export type ChangeSet = v.InferOutput<typeof setSchema>;

/** `open`: the run, or its undo, was stopped in the middle. */
export type SetState = 'open' | 'applied';

export interface StoredSet {
  readonly set: ChangeSet;
  readonly state: SetState;
}

/** Name of a set's folder. */
const NUMBER = /^[1-9]\d{0,8}$/;

export function setFolder(number: number): string {
  return `${HARDEN_FOLDER}/${number}`;
}

/** Every set that is in force or was left open, the oldest first. Throws E_STATE_UNSAFE as an undo must trust them. */
export async function storedSets(target: Target): Promise<readonly StoredSet[]> {
  await requirePrivate(target, [STATE_FOLDER, HARDEN_FOLDER]);
  const numbers = (await target.list(HARDEN_FOLDER)).filter((name) => NUMBER.test(name)).map(Number);
  const found: StoredSet[] = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const text = await target.readText(`${setFolder(number)}/set.json`);
    // Stopped before it could change anything.
    if (text === undefined) continue;
    const applied = (await target.stat(`${setFolder(number)}/applied`)) !== undefined;
    found.push({ set: parse(text, number), state: applied ? 'applied' : 'open' });
  }
  return found;
}

function parse(text: string, number: number): ChangeSet {
  try {
    return v.parse(setSchema, JSON.parse(text));
  } catch (error) {
    throw failure(
      'E_STATE_UNSAFE',
      `${setFolder(number)}/set.json is not as mptfix writes it: ${(error as Error).message}`,
      'the originals are beside it: put them back by hand, then remove that folder',
      { cause: error },
    );
  }
}

/** The number of the next set. A folder without a set holds nothing that is needed, and its number is used again. */
export async function nextNumber(target: Target): Promise<number> {
  return Math.max(0, ...(await storedSets(target)).map(({ set }) => set.number)) + 1;
}

export async function makeSetFolder(target: Target, number: number): Promise<void> {
  await makeFolders(target, HARDEN_FOLDER, 0o700);
  await target.removeTree(setFolder(number));
  await target.mkdir(setFolder(number), 0o700);
}

/** From here on the set is open: whoever comes next undoes it. */
export async function writeSet(target: Target, set: ChangeSet): Promise<void> {
  await target.write(`${setFolder(set.number)}/set.json`, `${JSON.stringify(set, null, 2)}\n`, {
    mode: 0o600,
  });
}

export async function markApplied(target: Target, number: number): Promise<void> {
  await target.write(`${setFolder(number)}/applied`, '', { mode: 0o600 });
}

/** Takes the mark away, so that an undo that is stopped is seen as open. */
export async function markOpen(target: Target, number: number): Promise<void> {
  const path = `${setFolder(number)}/applied`;
  if ((await target.stat(path)) !== undefined) await target.remove(path);
}

/** Forgets a set that is undone. */
export async function forgetSet(target: Target, number: number): Promise<void> {
  // The set's own file first: without it the rest is nothing.
  await target.remove(`${setFolder(number)}/set.json`);
  await dropRemains(target);
}

/**
 * Removes what holds no set: of a run that was stopped before it could change anything, or when all was put back. Then
 * the folders themselves, where they are empty.
 */
export async function dropRemains(target: Target): Promise<void> {
  await requirePrivate(target, [STATE_FOLDER, HARDEN_FOLDER]);
  for (const name of (await target.list(HARDEN_FOLDER)).filter((one) => NUMBER.test(one))) {
    if ((await target.stat(`${HARDEN_FOLDER}/${name}/set.json`)) === undefined)
      await target.removeTree(`${HARDEN_FOLDER}/${name}`);
  }
  for (const folder of [HARDEN_FOLDER, STATE_FOLDER]) {
    if ((await target.stat(folder)) === undefined) continue;
    if ((await target.list(folder)).length > 0) return;
    await target.removeTree(folder);
  }
}
