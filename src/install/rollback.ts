import { failure, isFailure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { recordFile } from '../machine/record.ts';
import { type Generation, generations, journal, unborn } from './state.ts';
import { type Undone, undo } from './undo.ts';

export interface RollbackWish {
  /** Kernel release whose module goes back. */
  readonly kernel: string;
  /** `--to N`: 0 is what the distro shipped; undefined is the state before the newest generation. */
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
export async function planRollback(target: Target, wish: RollbackWish): Promise<RollbackPlan> {
  const all = (await generations(target)).filter(({ kernel }) => kernel === wish.kernel);
  const inForce = all.filter(({ state }) => state === 'installed').toReversed();
  const [current] = inForce;
  if (wish.to !== undefined && wish.to !== 0 && !inForce.some(({ number }) => number === wish.to)) {
    throw failure(
      'E_GENERATION_MISSING',
      `generation ${wish.to} of ${wish.kernel} cannot be gone back to`,
      'mptfix status lists what is there; --to 0 is what the distro shipped',
    );
  }
  if (current === undefined) {
    return {
      undo: [],
      why: `nothing is installed for ${wish.kernel}: the module is as the distro shipped it`,
    };
  }
  const { to } = wish;
  if (to === current.number) return { undo: [], why: `generation ${to} is in force already` };
  await refuseForeign(target, current, wish.force);
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
    'mptfix check tells what it is now; to put the old original over it all the same: mptfix rollback --force',
  );
}

/** Undoes one generation. Throws E_INSTALL_UNDO, and then the next run goes on with it. */
export async function rollback(target: Target, generation: Generation, force = false): Promise<Undone> {
  try {
    await sayRollingBack(target, generation, force);
    const undone = await undo(target, generation, force);
    await journal(target, generation.number, 'rolled-back');
    return undone;
  } catch (error) {
    throw failure(
      'E_INSTALL_UNDO',
      `the rollback was stopped: ${error instanceof Error ? error.message : String(error)}`,
      isFailure(error)
        ? error.failure.next
        : `the originals are in ${generation.folder}/originals; remove the cause and run mptfix rollback again`,
      { cause: error },
    );
  }
}

/** On a full disk an installation that was stopped is put back without a line about it: it is open already. */
async function sayRollingBack(target: Target, { number, state }: Generation, force: boolean): Promise<void> {
  try {
    await journal(target, number, 'rolling-back', force ? { force } : {});
  } catch (error) {
    if (state !== 'open') throw error;
  }
}

/** What was found open, and what came of it. */
export interface Settled {
  readonly generation: number;
  /** `undone`: an installation that was stopped; `finished`: a rollback that was stopped. Either way it is put back. */
  readonly how: 'undone' | 'finished';
  readonly undone: Undone;
}

/** Generations that a run has left in the middle. */
async function openGenerations(target: Target): Promise<readonly Generation[]> {
  return (await generations(target)).filter(({ state }) => state === 'open').toReversed();
}

/** Whether a run has left anything in the middle, if only originals that it had begun to keep. */
export async function isUnsettled(target: Target): Promise<boolean> {
  return (await openGenerations(target)).length > 0 || (await unborn(target)).length > 0;
}

/** Puts back what killed runs have left open, the newest first, and clears away what they had only begun to keep. */
export async function finishOpen(target: Target): Promise<readonly Settled[]> {
  const settled: Settled[] = [];
  for (const generation of await openGenerations(target)) {
    const { isRollback, force } = generation.journal;
    const how = isRollback ? 'finished' : 'undone';
    settled.push({ generation: generation.number, how, undone: await rollback(target, generation, force) });
  }
  for (const folder of await unborn(target)) await target.removeTree(folder);
  return settled;
}
