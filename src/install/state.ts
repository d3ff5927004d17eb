import * as v from 'valibot';
import { failure } from '../errors.ts';
import type { Target } from '../target/port.ts';
import { type Manifest, manifestSchema, type Originals, originalsSchema } from './manifest.ts';

/** Where an installation is remembered on the guest. */
export const STATE_FOLDER = '/var/lib/mptfix';
export const GENERATIONS_FOLDER = `${STATE_FOLDER}/generations`;

/**
 * `installed`: in force. `rolled-back`: undone. `replaced`: a later one stands over it. `open`: a run was stopped in
 * the middle, and the next command that writes puts everything back.
 */
export type GenerationState = 'installed' | 'rolled-back' | 'replaced' | 'open';

export interface Generation {
  readonly number: number;
  readonly folder: string;
  readonly state: GenerationState;
  readonly kernel: string;
  readonly originals: Originals;
  /** Absent where the installation never came to its end. */
  readonly manifest?: Manifest;
}

/** The last of these in the journal says how the generation stands. */
const STATE_OF_EVENT: Readonly<Record<string, GenerationState>> = {
  begin: 'open',
  installed: 'installed',
  'rolling-back': 'open',
  'rolled-back': 'rolled-back',
  replaced: 'replaced',
};

export function generationFolder(number: number): string {
  return `${GENERATIONS_FOLDER}/${number}`;
}

/** One line of a journal, with its time. */
export async function journal(target: Target, generation: number, event: string): Promise<void> {
  const line = JSON.stringify({ time: new Date().toISOString(), event });
  const path = `${generationFolder(generation)}/journal.ndjson`;
  // A power cut may have left half a line: it must not swallow this one.
  const torn = !((await target.readText(path)) ?? '\n').endsWith('\n');
  await target.append(path, `${torn ? '\n' : ''}${line}\n`);
}

/**
 * Every generation that the guest remembers, the oldest first. Throws E_STATE_UNSAFE where the folder is not the
 * caller's own or a file in it is not as we write it: an undo must not trust what others could have written.
 */
export async function generations(target: Target): Promise<readonly Generation[]> {
  await requireSafe(target);
  const names = (await target.list(GENERATIONS_FOLDER)).filter((name) => /^[1-9]\d{0,8}$/.test(name));
  const found: Generation[] = [];
  for (const number of names.map(Number).sort((a, b) => a - b)) {
    const generation = await readGeneration(target, number);
    if (generation !== undefined) found.push(generation);
  }
  return found;
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
  return {
    number,
    folder,
    state: stateOf((await target.readText(`${folder}/journal.ndjson`)) ?? ''),
    kernel: originals.kernel,
    originals,
    ...(manifest === undefined ? {} : { manifest }),
  };
}

function stateOf(text: string): GenerationState {
  let state: GenerationState = 'open';
  for (const line of text.split('\n')) {
    // A power cut may leave half a line at the end; what it would have said did not happen.
    const event = eventOf(line);
    if (Object.hasOwn(STATE_OF_EVENT, event)) state = STATE_OF_EVENT[event] ?? state;
  }
  return state;
}

function eventOf(line: string): string {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null && 'event' in entry ? String(entry.event) : '';
  } catch {
    return '';
  }
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

async function requireSafe(target: Target): Promise<void> {
  for (const path of [STATE_FOLDER, GENERATIONS_FOLDER]) {
    const status = await target.lstat(path);
    if (status === undefined) return;
    const mine = status.uid === 0 || status.uid === process.geteuid?.();
    if (status.type === 'directory' && mine && (status.mode & 0o022) === 0) continue;
    throw failure(
      'E_STATE_UNSAFE',
      `${path} is a link, or somebody else’s, or writable for others`,
      `look at what is in it, then: chown -R root: ${STATE_FOLDER} && chmod 700 ${STATE_FOLDER}`,
    );
  }
}
