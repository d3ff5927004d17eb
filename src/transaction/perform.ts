import { uninterrupted } from '../interruption.ts';
import type { Target } from '../machine/port.ts';
import { type FileRecord, recordFile } from '../machine/record.ts';
import { type Progress, silentProgress } from '../progress.ts';
import { type ActContext, handlerOf, type TransactionUser } from './handler.ts';
import { keep, keptPath } from './originals.ts';
import { placeOf, transactionFolder } from './purpose.ts';
import { enterState, forget } from './state-folders.ts';
import { changedFolders, filesOf, type Step } from './steps.ts';
import { type Entered, journal, numberAfter, readTransaction, transactions, writeRecord } from './store.ts';
import { PUTS_BACK, undoSteps } from './undo.ts';

/** A step and, of a file, its new bytes. */
export interface Planned<S extends Step = Step> {
  readonly step: S;
  readonly content?: Uint8Array | undefined;
}

/** What is to be done in one transaction. */
export interface Work {
  readonly kernel?: string | undefined;
  readonly planned: readonly Planned[];
  /** Files beside the record, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly progress?: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Called when every step is done, and before the transaction is committed: it may still refuse. */
  readonly finish?: (done: Done) => Promise<void>;
}

/** What the steps came to. */
export interface Done {
  readonly number: number;
  readonly folder: string;
  /** Of each step, in their order, what it left of the files that it touches, and what it had to say. */
  readonly results: readonly StepResult[];
}

export interface StepResult {
  readonly after: readonly FileRecord[];
  readonly seen: readonly string[];
}

/** The number that the next transaction gets. That of a run that was stopped before it could change anything is used again. */
export async function nextNumber(target: Target, purpose: TransactionUser['purpose']): Promise<number> {
  return numberAfter(purpose, (await transactions(target, purpose)).at(-1)?.number ?? 0);
}

/**
 * Keeps the originals, writes down what is meant, and does each step under the journal. What fails is put back with all
 * that was done, the failure is thrown as it is, and no trace stays; where that cannot be done, `undoFailed`.
 */
export async function perform(target: Target, user: TransactionUser, work: Work): Promise<Done> {
  return uninterrupted(PUTS_BACK, () => performWhole(target, user, work));
}

async function performWhole(target: Target, user: TransactionUser, work: Work): Promise<Done> {
  const { purpose } = user;
  const number = await nextNumber(target, purpose);
  const entered = await enterState(target, purpose);
  let done: Done;
  try {
    const folder = await begin(target, purpose, { ...work, number, entered });
    done = { number, folder, results: await doAll(target, user, folder, work) };
    await work.finish?.(done);
    await journal(target, folder, 'committed');
  } catch (error) {
    await takeBack(target, user, { number, entered, cause: error });
    throw error;
  }
  // What cannot be cleared away now is so by the next run: all is done.
  if (!placeOf(purpose).keeps.committed) await forget(target, purpose, number, entered).catch(() => {});
  return done;
}

export interface Beginning extends Pick<Work, 'kernel' | 'planned' | 'files'> {
  readonly number: number;
  readonly entered: Entered;
}

/**
 * Keeps every file that the steps may touch, and only then writes the record: when that is there, all of it can be
 * undone; while it is not, nothing was changed. Answers the transaction's folder.
 */
export async function begin(
  target: Target,
  purpose: TransactionUser['purpose'],
  { number, entered, kernel, planned, files = {} }: Beginning,
): Promise<string> {
  const folder = transactionFolder(purpose, number);
  // Of a run that was stopped before its record was whole.
  if ((await target.lstat(folder)) !== undefined) await target.removeTree(folder);
  await target.mkdir(folder, 0o700);
  for (const [name, content] of Object.entries(files))
    await target.write(`${folder}/${name}`, content, { mode: 0o600 });
  await target.mkdir(`${folder}/originals`, 0o700);
  const steps = planned.map(({ step }) => step);
  for (const { original, backup } of steps.flatMap(filesOf)) {
    const isElsewhere = backup === null || backup.startsWith('/');
    if (original !== null && !isElsewhere) await keep(target, original, keptPath(folder, backup));
  }
  const folders = await Promise.all(
    changedFolders(steps).map(async (path) => ({ path, mtime: (await target.stat(path))?.mtime })),
  );
  await writeRecord(target, {
    purpose,
    number,
    created: new Date().toISOString(),
    kernel: kernel ?? null,
    steps,
    folders: folders.flatMap(({ path, mtime }) => (mtime === undefined ? [] : [{ path, mtime }])),
    state: entered,
  });
  await journal(target, folder, 'begin');
  return folder;
}

async function doAll(
  target: Target,
  user: TransactionUser,
  folder: string,
  { planned, progress = silentProgress, signal }: Work,
): Promise<readonly StepResult[]> {
  const results: StepResult[] = [];
  const seen = new Set<Step['kind']>();
  for (const [index, one] of planned.entries()) {
    signal?.throwIfAborted();
    const handler = handlerOf(user, one.step);
    progress.note(handler.words(one.step));
    if (!seen.has(one.step.kind)) await handler.beforeFirst?.(target);
    seen.add(one.step.kind);
    results.push(await carryOut(user, { target, folder, progress, signal }, index, one));
  }
  signal?.throwIfAborted();
  return results;
}

/** Carries out one step under the journal: intent, act, all of it on the disk, done. */
export async function carryOut(
  user: TransactionUser,
  around: Omit<ActContext, 'seen'>,
  index: number,
  { step, content }: Planned,
): Promise<StepResult> {
  const { target, folder } = around;
  const seen: string[] = [];
  const context = { ...around, seen: (words: string) => void seen.push(words) };
  const handler = handlerOf(user, step);
  const files = filesOf(step);
  const undo = files.map(({ path, backup }) => ({
    path,
    restore: backup === null ? null : keptPath(folder, backup),
  }));
  const becomes = await handler.becomes?.(context, step, content);
  const named = { step: index, kind: step.kind };
  await journal(target, folder, 'intent', { ...named, undo, ...(becomes === undefined ? {} : { becomes }) });
  await handler.act(context, step, content);
  const after: FileRecord[] = [];
  for (const { path } of files) {
    const record = await recordFile(target, path);
    if (record === undefined) continue;
    // Programs such as depmod do not wait for the disk.
    await target.sync(path);
    after.push(record);
  }
  if (handler.isReadBack === true) await readBack(user, context, step);
  const contents = Object.fromEntries(after.map(({ path, sha256 }) => [path, sha256]));
  await journal(target, folder, 'done', { ...named, becomes: contents });
  return { after, seen };
}

async function readBack(user: TransactionUser, { target, folder }: ActContext, step: Step): Promise<void> {
  const handler = handlerOf(user, step);
  const current = await handler.current({ target, folder, isDone: true, becomes: new Map() }, step);
  if (current !== 'after')
    throw new Error(`${handler.words(step)}: the change did not take effect (${current})`);
}

/** Undoes a run that failed, and leaves no trace of it. */
async function takeBack(
  target: Target,
  user: TransactionUser,
  { number, entered, cause }: { readonly number: number; readonly entered: Entered; readonly cause: unknown },
): Promise<void> {
  const { purpose } = user;
  try {
    const mine = await readTransaction(target, purpose, number);
    const left = mine === undefined ? [] : (await undoSteps(target, user, mine)).left;
    const names = left.map((step) => handlerOf(user, step).about(step));
    if (names.length > 0) throw new Error(`somebody else has changed ${names.join(', ')} meanwhile`);
    await forget(target, purpose, number, entered);
  } catch (error) {
    throw user.undoFailed(error, transactionFolder(purpose, number), cause);
  }
}
