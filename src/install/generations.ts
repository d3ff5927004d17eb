import type { Target } from '../machine/port.ts';
import type { TransactionState } from '../transaction/journal.ts';
import { isImagePlace, isModulePlace } from '../transaction/places.ts';
import { transactionFolder } from '../transaction/purpose.ts';
import { filesOf } from '../transaction/steps.ts';
import {
  parseState,
  readIfThere,
  type Transaction,
  transactions,
  unsafeState,
} from '../transaction/store.ts';
import { fallbackPath } from './image.ts';
import { type Manifest, manifestSchema } from './manifest.ts';

/**
 * `installed`: in force. `rolled-back`: undone. `open`: a run was interrupted, and the next one that may write
 * puts everything back. `replaced`: a later state of somebody else's is over it (found out here, not written).
 */
export type GenerationState = 'installed' | 'rolled-back' | 'replaced' | 'open';

const STATES: Readonly<Record<TransactionState, GenerationState>> = {
  open: 'open',
  committed: 'installed',
  undone: 'rolled-back',
};

/** One installation: its transaction, and its manifest. */
export interface Generation {
  readonly number: number;
  readonly folder: string;
  readonly state: GenerationState;
  readonly kernel: string;
  readonly transaction: Transaction;
  /** Absent where the installation never came to its end. */
  readonly manifest?: Manifest;
}

export function generationFolder(number: number): string {
  return transactionFolder('install', number);
}

/** Every generation that the guest remembers, the oldest first. Throws E_STATE_UNSAFE as `transactions`. */
export async function generations(target: Target): Promise<readonly Generation[]> {
  const found: Generation[] = [];
  for (const transaction of await transactions(target, 'install')) {
    const { number, folder, kernel, state } = transaction;
    const manifest = await readManifest(target, transaction);
    const generation = { number, folder, kernel: kernel ?? '', state: STATES[state], transaction };
    found.push(manifest === undefined ? generation : { ...generation, manifest });
  }
  return markReplaced(found);
}

async function readManifest(target: Target, transaction: Transaction): Promise<Manifest | undefined> {
  const path = `${transaction.folder}/manifest.json`;
  const text = await readIfThere(target, path);
  if (text === undefined) return undefined;
  const manifest = parseState(manifestSchema, text, path);
  const odd = strangeIn(manifest, transaction);
  if (odd !== undefined) throw unsafeState(path, `it names ${JSON.stringify(odd.slice(0, 200))}`);
  return manifest;
}

/** The first thing in a manifest that does not fit its record, which was found to be ours. */
function strangeIn(manifest: Manifest, { number, kernel, steps }: Transaction): string | undefined {
  const { generation, module, images, after } = manifest;
  const release = manifest.kernel.release;
  if (generation !== number) return String(generation);
  if (release !== kernel) return release;
  const modules = [module.path, module.before.path, module.after.path];
  const touched = new Set(steps.flatMap(filesOf).map(({ path }) => path));
  return (
    modules.find((path) => !isModulePlace(path, release)) ??
    images.find(({ path }) => !isImagePlace(path, release))?.path ??
    images.find(({ path, fallback }) => fallback !== fallbackPath(path, number))?.fallback ??
    after.find(({ path }) => !touched.has(path))?.path
  );
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
