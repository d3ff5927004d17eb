import * as v from 'valibot';
import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { requirePrivate, STATE_FOLDER } from '../machine/folders.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { fileRecord, mtimeText } from '../machine/record.ts';
import {
  generationNumber,
  generationNumberSchema,
  kernelReleaseSchema,
  LARGEST_GENERATION,
} from '../names.ts';
import {
  completedJournal,
  type Journal,
  type JournalEvent,
  type JournalLine,
  readJournal,
  type TransactionState,
} from './journal.ts';
import { type Around, strange } from './places.ts';
import { PURPOSE_NAMES, type Purpose, placeOf, transactionFolder } from './purpose.ts';
import { changedFolders, stepSchema } from './steps.ts';

const SCHEMA = 'mptfix.transaction/1';

/** `mtime` as `FileStat` has it. */
const folderTime = v.object({ path: v.string(), mtime: mtimeText });

/** Folders that were made for the state, the topmost first, and what their parent's time was before. */
const entered = v.object({
  made: v.pipe(v.array(v.string()), v.maxLength(16)),
  parent: v.nullable(folderTime),
});
export type Entered = v.InferOutput<typeof entered>;

/** Written as a whole before the first change: all that an undo needs. */
const recordSchema = v.object({
  schema: v.literal(SCHEMA),
  purpose: v.picklist(PURPOSE_NAMES),
  number: generationNumberSchema,
  /** ISO 8601, UTC. */
  created: v.pipe(v.string(), v.isoTimestamp()),
  /** Kernel release, of an installation. */
  kernel: v.nullable(kernelReleaseSchema),
  steps: v.pipe(v.array(stepSchema), v.maxLength(LIMITS.stateSteps)),
  /** Folders whose entries change, with their own times. */
  folders: v.pipe(v.array(folderTime), v.maxLength(LIMITS.stateSteps)),
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
  let bytes = 0;
  for (const number of await numbers(target, purpose)) {
    const record = `${transactionFolder(purpose, number)}/${placeOf(purpose).record}`;
    bytes += (await target.lstat(record))?.size ?? 0;
    if (bytes > LIMITS.stateTotalBytes)
      throw unsafeState(record, `with those before it, it has ${bytes} bytes`);
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
    throw unsafeState(`${folder}/${place.record}`, `its purpose is ${record.purpose}`);
  if (record.number !== number)
    throw unsafeState(`${folder}/${place.record}`, `its number is ${record.number}`);
  const odd = strangeIn(target, { ...record, state });
  if (odd !== undefined) throw unsafeState(`${folder}/${place.record}`, `it names ${odd}`);
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
  const all = await entries(target, purpose);
  return all.flatMap(({ number }) => number ?? []).sort((a, b) => a - b);
}

/** What is among the transactions and is none, by path: nobody reads it, undoes it or takes it away. */
export async function leftovers(target: Target, purpose: Purpose): Promise<readonly string[]> {
  const all = await entries(target, purpose);
  return all.flatMap(({ name, number }) =>
    number === undefined ? `${placeOf(purpose).folder}/${name}` : [],
  );
}

/** The number is undefined where a name is none, or no folder has it. */
async function entries(
  target: Target,
  purpose: Purpose,
): Promise<readonly { readonly name: string; readonly number: number | undefined }[]> {
  const { folder } = placeOf(purpose);
  await requirePrivate(target, [STATE_FOLDER, folder]);
  const names = await target.list(folder);
  if (names.length > LIMITS.stateTransactions) throw unsafeState(folder, `it holds ${names.length} entries`);
  return Promise.all(
    names.map(async (name) => {
      const isFolder = (await target.lstat(`${folder}/${name}`))?.type === 'directory';
      return { name, number: isFolder ? generationNumber(name) : undefined };
    }),
  );
}

/** The number after the largest. Throws E_STATE_UNSAFE where there is none. */
export function numberAfter(purpose: Purpose, largest: number): number {
  if (largest < LARGEST_GENERATION) return largest + 1;
  throw failure(
    'E_STATE_UNSAFE',
    `${transactionFolder(purpose, largest)} has the largest number that there is: mptfix has not counted so far`,
    `find out who made it; if nothing else has that number, move the folder out of ${placeOf(purpose).folder}`,
  );
}

/** The first thing in a record that mptfix would not have written there. */
function strangeIn(target: Target, record: Omit<TransactionRecord, 'schema'>): string | undefined {
  const { purpose, number, kernel, steps, folders, state } = record;
  const around: Around = {
    isRunning: traitsOf(target).isRunning,
    purpose,
    number,
    kernel,
    home: placeOf(purpose).folder,
  };
  const above = state.parent === null ? [] : [state.parent.path];
  const named = { steps, folders: folders.map(({ path }) => path), made: [...state.made, ...above] };
  return strange(named, changedFolders(steps), around);
}

/** Throws E_STATE_UNSAFE for what `readTransaction` would not take back. */
export async function writeRecord(target: Target, record: Omit<TransactionRecord, 'schema'>): Promise<void> {
  const path = `${transactionFolder(record.purpose, record.number)}/${placeOf(record.purpose).record}`;
  const odd = strangeIn(target, record);
  if (odd !== undefined) {
    throw failure(
      'E_STATE_UNSAFE',
      `mptfix does not write to ${odd} of a guest, and could not put it back`,
      'please report this with what is special about that place; nothing was changed',
    );
  }
  const text = JSON.stringify({ schema: SCHEMA, ...record }, null, 2);
  await target.write(path, `${text}\n`, { mode: 0o600 });
}

/** A file of the state. What others cannot read is no reason to think that it is not there. Throws E_STATE_UNSAFE. */
export async function readIfThere(target: Target, path: string): Promise<string | undefined> {
  const status = await target.lstat(path);
  if (status === undefined) return undefined;
  if (status.type !== 'file') throw unsafeState(path, 'it is not a file');
  if (status.size > LIMITS.stateBytes) throw unsafeState(path, `it has ${status.size} bytes`);
  return (await target.read(path, LIMITS.stateBytes)).toString('utf8');
}

/** Reads a file of the state. Throws E_STATE_UNSAFE where it is not as we write it. */
export function parseState<T>(schema: v.GenericSchema<unknown, T>, text: string, path: string): T {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (error) {
    throw unsafeState(path, (error as Error).message, error);
  }
}

/** The error of a file of the state that mptfix has not written so. */
export function unsafeState(path: string, why: string, cause?: unknown): Error {
  return failure(
    'E_STATE_UNSAFE',
    `${path} is not as this version of mptfix writes it: ${why}`,
    'if an earlier version of mptfix has written it, have that one undo it; else put the originals, which are beside it, back by hand as README.md says, then remove that folder',
    { cause },
  );
}
