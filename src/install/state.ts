import { dirname } from 'node:path';
import * as v from 'valibot';
import { failure } from '../errors.ts';
import { requirePrivate, STATE_FOLDER } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import {
  appendLine,
  type GenerationState,
  type Journal,
  type JournalEvent,
  type JournalLine,
  readJournal,
} from './journal.ts';
import { type Manifest, manifestSchema, type Originals, originalsSchema } from './manifest.ts';

export const GENERATIONS_FOLDER = `${STATE_FOLDER}/generations`;

export interface Generation {
  readonly number: number;
  readonly folder: string;
  readonly state: GenerationState;
  readonly kernel: string;
  readonly originals: Originals;
  readonly journal: Journal;
  /** Absent where the installation never came to its end. */
  readonly manifest?: Manifest;
}

export function generationFolder(number: number): string {
  return `${GENERATIONS_FOLDER}/${number}`;
}

/** One line of a generation's journal, with its time; on the disk when the promise resolves. */
export async function journal(
  target: Target,
  generation: number,
  event: JournalEvent,
  more: Omit<JournalLine, 'event'> = {},
): Promise<void> {
  await appendLine(target, `${generationFolder(generation)}/journal.ndjson`, { event, ...more });
}

/**
 * Every generation that the guest remembers, the oldest first. Throws E_STATE_UNSAFE where the folder is not the
 * caller's own or a file in it is not as we write it: an undo must not trust what others could have written.
 */
export async function generations(target: Target): Promise<readonly Generation[]> {
  await requirePrivate(target, [STATE_FOLDER, GENERATIONS_FOLDER]);
  const names = (await target.list(GENERATIONS_FOLDER)).filter((name) => /^[1-9]\d{0,8}$/.test(name));
  const found: Generation[] = [];
  for (const number of names.map(Number).sort((a, b) => a - b)) {
    const generation = await readGeneration(target, number);
    if (generation !== undefined) found.push(generation);
  }
  return markReplaced(found);
}

/**
 * One that somebody else has overwritten (a kernel update) before a later one was installed is no state to go back
 * to: the later one's original is not what it installed. That stays so when the later one is rolled back.
 */
function markReplaced(all: readonly Generation[]): readonly Generation[] {
  const above = new Map<string, Generation>();
  return all
    .toReversed()
    .map((generation): Generation => {
      const next = above.get(generation.kernel);
      if (generation.manifest !== undefined) above.set(generation.kernel, generation);
      const isReplaced =
        generation.state === 'installed' && next !== undefined && !standsOn(next, generation);
      return isReplaced ? { ...generation, state: 'replaced' } : generation;
    })
    .toReversed();
}

/** Whether what a generation found was what the one before it had installed. */
function standsOn({ manifest }: Generation, { manifest: before }: Generation): boolean {
  return manifest !== undefined && before?.module.after.sha256 === manifest.module.before.sha256;
}

/** Makes the state's folders; the answer takes away again those that were made, with the time of their parent. */
export async function enterState(target: Target): Promise<() => Promise<void>> {
  const parent = await nearestFolder(target, STATE_FOLDER);
  const missing = await missingFolders(target, GENERATIONS_FOLDER);
  const leave = async (): Promise<void> => {
    for (const folder of missing.toReversed()) await target.removeTree(folder);
    if (missing.length > 0 && parent !== undefined) await target.setMtime(parent.path, parent.mtime);
  };
  try {
    for (const folder of missing) await target.mkdir(folder, 0o700);
  } catch (error) {
    // Nothing else was done yet: where not even this can be taken back, an empty folder stays.
    await leave().catch(() => {});
    throw error;
  }
  return leave;
}

/** What has to be made so that a folder is there, the topmost first. */
async function missingFolders(target: Target, folder: string): Promise<readonly string[]> {
  if ((await target.stat(folder)) !== undefined) return [];
  return [...(await missingFolders(target, dirname(folder))), folder];
}

async function nearestFolder(
  target: Target,
  path: string,
): Promise<{ path: string; mtime: string } | undefined> {
  const parent = path.replace(/\/[^/]*$/, '') || '/';
  const status = await target.stat(parent);
  if (status !== undefined) return { path: parent, mtime: status.mtime };
  return parent === '/' ? undefined : nearestFolder(target, parent);
}

/** Folders of generations that were stopped before the originals were whole: nothing was changed by them. */
export async function unborn(target: Target): Promise<readonly string[]> {
  await requirePrivate(target, [STATE_FOLDER, GENERATIONS_FOLDER]);
  const names = (await target.list(GENERATIONS_FOLDER)).filter((name) => /^[1-9]\d{0,8}$/.test(name));
  const folders = names.map((name) => `${GENERATIONS_FOLDER}/${name}`);
  const whole = await Promise.all(folders.map((folder) => target.lstat(`${folder}/originals.json`)));
  return folders.filter((_, index) => whole[index] === undefined);
}

async function readGeneration(target: Target, number: number): Promise<Generation | undefined> {
  const folder = generationFolder(number);
  const text = await target.readText(`${folder}/originals.json`);
  // Stopped before the first change: there is nothing to undo.
  if (text === undefined) return undefined;
  const originals = parse(originalsSchema, text, `${folder}/originals.json`);
  const manifestText = await target.readText(`${folder}/manifest.json`);
  const manifest =
    manifestText === undefined ? undefined : parse(manifestSchema, manifestText, `${folder}/manifest.json`);
  const read = readJournal((await target.readText(`${folder}/journal.ndjson`)) ?? '');
  return {
    number,
    folder,
    state: read.state,
    kernel: originals.kernel,
    originals,
    journal: manifest === undefined ? read : completed(read, originals, manifest),
    ...(manifest === undefined ? {} : { manifest }),
  };
}

/** A manifest is written when every step is done: what it says counts, also where a line of the journal is damaged. */
function completed(journal: Journal, { files }: Originals, { after }: Manifest): Journal {
  const steps = new Set(files.map(({ step }) => step));
  const becomes = new Map(journal.becomes);
  for (const { path, sha256 } of after) becomes.set(path, new Set([...(becomes.get(path) ?? []), sha256]));
  return { ...journal, begun: steps, done: steps, becomes };
}

function parse<T>(schema: v.GenericSchema<unknown, T>, text: string, path: string): T {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (error) {
    throw failure(
      'E_STATE_UNSAFE',
      `${path} is not as mptfix writes it: ${(error as Error).message}`,
      'the originals are beside it: put them back by hand as README.md says, then remove the generation’s folder',
      { cause: error },
    );
  }
}
