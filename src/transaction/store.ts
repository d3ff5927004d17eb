import { dirname } from 'node:path';
import * as v from 'valibot';
import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { missingFolders, requirePrivate, STATE_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { fileRecord } from '../machine/record.ts';
import {
  completedJournal,
  type Journal,
  type JournalEvent,
  type JournalLine,
  readJournal,
  type TransactionState,
} from './journal.ts';
import { stepSchema } from './steps.ts';

/** What a transaction is for: an installed module, policies and timeouts, the watch's schedule. */
export type Purpose = keyof typeof PURPOSES;

interface Place {
  readonly folder: string;
  /**
   * The name of the record in a transaction's folder. Those of the first two are what mptfix 0.1 called its own, whose
   * content was another: so that neither version takes the other's state for one that was never begun.
   */
  readonly record: string;
  /** A file that is written when every step is done, and tells in `after` what files they left. */
  readonly finished?: string;
  /** Whether the record stays when all is done, for a later undo; and when all is put back, as its history. */
  readonly keeps: { readonly committed: boolean; readonly undone: boolean };
}

const PURPOSES = {
  install: {
    folder: `${STATE_FOLDER}/generations`,
    record: 'originals.json',
    finished: 'manifest.json',
    keeps: { committed: true, undone: true },
  },
  harden: {
    folder: `${STATE_FOLDER}/harden`,
    record: 'set.json',
    keeps: { committed: true, undone: false },
  },
  /** `watch uninstall` knows the schedule by its names and marks, no matter what wrote it: it needs no record. */
  schedule: {
    folder: `${STATE_FOLDER}/schedule`,
    record: 'record.json',
    keeps: { committed: false, undone: false },
  },
} as const satisfies Readonly<Record<string, Place>>;

export function placeOf(purpose: Purpose): Place {
  return PURPOSES[purpose];
}

export const PURPOSE_NAMES = Object.keys(PURPOSES) as readonly Purpose[];

const SCHEMA = 'mptfix.transaction/1';

/** Folders that were made for the state, the topmost first, and what their parent's time was before. */
const entered = v.object({
  made: v.array(v.string()),
  parent: v.nullable(v.object({ path: v.string(), mtime: v.string() })),
});
export type Entered = v.InferOutput<typeof entered>;

/** Written as a whole before the first change: all that an undo needs. */
const recordSchema = v.object({
  schema: v.literal(SCHEMA),
  purpose: v.picklist(PURPOSE_NAMES),
  number: v.number(),
  /** ISO 8601, UTC. */
  created: v.string(),
  /** Kernel release, of an installation. */
  kernel: v.nullable(v.string()),
  steps: v.array(stepSchema),
  /** Folders whose entries change, with their own times. */
  folders: v.array(v.object({ path: v.string(), mtime: v.string() })),
  state: entered,
});
export type TransactionRecord = v.InferOutput<typeof recordSchema>;

/** One run that changes the guest, as it is written down there. */
export interface Transaction extends Omit<TransactionRecord, 'schema' | 'state'> {
  readonly folder: string;
  readonly entered: Entered;
  readonly state: TransactionState;
  readonly journal: Journal;
}

export function transactionFolder(purpose: Purpose, number: number): string {
  return `${placeOf(purpose).folder}/${number}`;
}

/** Adds one line to a transaction's journal, with its time; on the disk when the promise resolves. */
export async function journal(
  target: Target,
  folder: string,
  event: JournalEvent,
  more: Omit<JournalLine, 'event'> = {},
): Promise<void> {
  const path = `${folder}/journal.ndjson`;
  const text = JSON.stringify({ time: new Date().toISOString(), event, ...more });
  // A power cut may have left half a line: it must not swallow this one.
  const torn = !((await target.readText(path, LIMITS.stateBytes)) ?? '\n').endsWith('\n');
  await target.append(path, `${torn ? '\n' : ''}${text}\n`);
}

/**
 * Every transaction of one purpose that the guest remembers, the oldest first. Throws E_STATE_UNSAFE where the folder is
 * not the caller's own or a file in it is not as we write it: an undo must not trust what others could have written.
 */
export async function transactions(target: Target, purpose: Purpose): Promise<readonly Transaction[]> {
  const found: Transaction[] = [];
  for (const number of await numbers(target, purpose)) {
    const transaction = await readTransaction(target, purpose, number);
    if (transaction !== undefined) found.push(transaction);
  }
  return found;
}

/** Undefined where a run was stopped before the record was whole: it has changed nothing. */
export async function readTransaction(
  target: Target,
  purpose: Purpose,
  number: number,
): Promise<Transaction | undefined> {
  const folder = transactionFolder(purpose, number);
  const place = placeOf(purpose);
  const text = await readIfThere(target, `${folder}/${place.record}`);
  if (text === undefined) return undefined;
  const { schema: _, state, ...record } = parseState(recordSchema, text, `${folder}/${place.record}`);
  if (record.purpose !== purpose)
    throw unsafe(`${folder}/${place.record}`, `its purpose is ${record.purpose}`);
  const read = readJournal(
    (await readIfThere(target, `${folder}/journal.ndjson`)) ?? '',
    record.steps.length,
  );
  const finished = place.finished === undefined ? undefined : `${folder}/${place.finished}`;
  const after = finished === undefined ? undefined : await readIfThere(target, finished);
  const known =
    after === undefined || finished === undefined
      ? read
      : completedJournal(read, record.steps.length, parseState(finishedSchema, after, finished).after);
  return { ...record, number, folder, entered: state, state: known.state, journal: known };
}

const finishedSchema = v.object({ after: v.array(fileRecord) });

/** Folders of runs that were stopped before their record was whole: nothing was changed by them. */
export async function incomplete(target: Target, purpose: Purpose): Promise<readonly string[]> {
  const folders = (await numbers(target, purpose)).map((number) => transactionFolder(purpose, number));
  const records = await Promise.all(
    folders.map((folder) => target.lstat(`${folder}/${placeOf(purpose).record}`)),
  );
  return folders.filter((_, index) => records[index] === undefined);
}

async function numbers(target: Target, purpose: Purpose): Promise<readonly number[]> {
  const { folder } = placeOf(purpose);
  await requirePrivate(target, [STATE_FOLDER, folder]);
  const names = (await target.list(folder)).filter((name) => /^[1-9]\d{0,8}$/.test(name));
  return names.map(Number).sort((a, b) => a - b);
}

export async function writeRecord(target: Target, record: Omit<TransactionRecord, 'schema'>): Promise<void> {
  const path = `${transactionFolder(record.purpose, record.number)}/${placeOf(record.purpose).record}`;
  const text = JSON.stringify({ schema: SCHEMA, ...record }, null, 2);
  await target.write(path, `${text}\n`, { mode: 0o600 });
}

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

/** What others cannot read is no reason to think that it is not there. */
async function readIfThere(target: Target, path: string): Promise<string | undefined> {
  if ((await target.lstat(path)) === undefined) return undefined;
  return (await target.read(path, LIMITS.stateBytes)).toString('utf8');
}

/** Reads a file of the state. Throws E_STATE_UNSAFE where it is not as we write it. */
export function parseState<T>(schema: v.GenericSchema<unknown, T>, text: string, path: string): T {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (error) {
    throw unsafe(path, (error as Error).message, error);
  }
}

function unsafe(path: string, why: string, cause?: unknown): Error {
  return failure(
    'E_STATE_UNSAFE',
    `${path} is not as this version of mptfix writes it: ${why}`,
    'if an earlier version of mptfix has written it, have that one undo it; else put the originals, which are beside it, back by hand as README.md says, then remove that folder',
    { cause },
  );
}
