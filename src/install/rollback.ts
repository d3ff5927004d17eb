import { failure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { recordFile } from '../machine/record.ts';
import { filesOf } from '../transaction/steps.ts';
import { type Undone as TransactionUndone, undo } from '../transaction/undo.ts';
import { typed } from '../typed.ts';
import { type Generation, generations } from './generations.ts';
import { installUser } from './user.ts';

export interface RollbackRequest {
  /** Kernel release whose module goes back. */
  readonly kernel: string;
  /** `--to N`: 0 is what was there before the first installation; undefined is the state before the newest generation. */
  readonly to: number | undefined;
  /** Also where somebody else has changed the module since. */
  readonly force: boolean;
}

/** What a rollback would do: the generations that are undone, the newest first; empty where there is nothing to do. */
export interface RollbackPlan {
  readonly undo: readonly Generation[];
  readonly why: string;
}

/** Decides, reading only. Throws E_GENERATION_MISSING, or E_FILE_CHANGED without --force. */
export async function planRollback(target: Target, request: RollbackRequest): Promise<RollbackPlan> {
  const all = (await generations(target)).filter(({ kernel }) => kernel === request.kernel);
  const inForce = all.filter(({ state }) => state === 'installed').toReversed();
  const [current] = inForce;
  if (request.to !== undefined && request.to !== 0 && !inForce.some(({ number }) => number === request.to)) {
    throw failure(
      'E_GENERATION_MISSING',
      `generation ${request.to} of ${request.kernel} cannot be restored`,
      `${typed('status')} lists what is there; --to 0 is what was there before the first one`,
    );
  }
  if (current === undefined) {
    return {
      undo: [],
      why: `mptfix has nothing installed for ${request.kernel} that could be undone`,
    };
  }
  const { to } = request;
  if (to === current.number) return { undo: [], why: `generation ${to} is already the current one` };
  await refuseForeign(target, current, request.force);
  const undone = to === undefined ? [current] : inForce.filter(({ number }) => number > to);
  const numbers = undone.map(({ number }) => number);
  return { undo: undone, why: `generation ${numbers.join(', then ')} is undone` };
}

async function refuseForeign(target: Target, { manifest }: Generation, force: boolean): Promise<void> {
  if (manifest === undefined || force) return;
  const { path, after, before } = manifest.module;
  const now = await recordFile(target, path);
  if (now?.sha256 === after.sha256 || now?.sha256 === before.sha256) return;
  throw failure(
    'E_FILE_CHANGED',
    `${path} was changed by somebody else since mptfix installed it (a kernel update?): it is not overwritten`,
    `${typed('check')} shows what it is now; to restore the original anyway: ${typed('rollback', ['--force'])}`,
  );
}

/** What an undo of an installation came to. */
export interface Undone {
  readonly index: 'restored' | 'index rebuilt';
  readonly images: readonly { readonly path: string; readonly how: 'restored' | 'rebuilt' | 'left' }[];
  /** Files that somebody else has changed since: they were left as they are. */
  readonly left: readonly string[];
}

/** Undoes one generation. Throws E_INSTALL_UNDO, and then the next run continues with it. */
export async function rollback(target: Target, { transaction }: Generation, force = false): Promise<Undone> {
  return undoneInstallation(await undo(target, installUser, transaction, { force }));
}

/** The same in the words of an installation. */
export function undoneInstallation({ steps, left }: TransactionUndone): Undone {
  const isRebuilt = steps.some(({ step, how }) => step.kind === 'index' && how === 'rebuilt');
  const images = steps.flatMap(({ step, how }) =>
    step.kind === 'image'
      ? [{ path: step.files[0].path, how: how === 'kept' ? ('left' as const) : how }]
      : [],
  );
  return {
    index: isRebuilt ? 'index rebuilt' : 'restored',
    images: images.toReversed(),
    left: left.flatMap(filesOf).map(({ path }) => path),
  };
}

/** What the undos of several generations came to, all together: nothing that any of them did or left is lost. */
export function undoneTogether(all: readonly Undone[]): Undone {
  return {
    index: all.some(({ index }) => index === 'index rebuilt') ? 'index rebuilt' : 'restored',
    images: all.flatMap(({ images }) => images),
    left: [...new Set(all.flatMap(({ left }) => left))],
  };
}
