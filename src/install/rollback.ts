import { failure } from '../errors.ts';
import type { Target } from '../target/port.ts';
import { recordFile } from './record.ts';
import { type Generation, generations, journal } from './state.ts';
import { undo } from './undo.ts';

export interface RollbackWish {
  /** Kernel release whose module goes back. */
  readonly kernel: string;
  /** `--to N`: 0 is what the distro shipped. */
  readonly to: number | undefined;
  /** Also where somebody else has changed the module since. */
  readonly force: boolean;
}

/** What a rollback would do; `generation` undefined: nothing. */
export interface RollbackPlan {
  readonly generation: Generation | undefined;
  readonly why: string;
}

/** Decides, reading only. Throws E_GENERATION_MISSING, or E_FILE_CHANGED without --force. */
export async function planRollback(target: Target, wish: RollbackWish): Promise<RollbackPlan> {
  const all = (await generations(target)).filter(({ kernel }) => kernel === wish.kernel);
  const current = all.findLast(({ state }) => state === 'installed');
  const to = wish.to ?? 0;
  if (to !== 0 && to === current?.number)
    return { generation: undefined, why: `generation ${to} is in force already` };
  if (to !== 0) {
    throw failure(
      'E_GENERATION_MISSING',
      `generation ${to} of ${wish.kernel} cannot be gone back to`,
      'mptfix status lists what is there; --to 0 is what the distro shipped',
    );
  }
  if (current === undefined) {
    return {
      generation: undefined,
      why: `nothing is installed for ${wish.kernel}: the module is as the distro shipped it`,
    };
  }
  await refuseForeign(target, current, wish.force);
  return { generation: current, why: `generation ${current.number} is undone` };
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

/** Does what was planned. Answers in words what was done with the module index. */
export async function rollback(
  target: Target,
  generation: Generation,
): Promise<'restored' | 'index rebuilt'> {
  await journal(target, generation.number, 'rolling-back');
  try {
    const outcome = await undo(target, generation);
    await journal(target, generation.number, 'rolled-back');
    return outcome;
  } catch (error) {
    throw failure(
      'E_INSTALL_UNDO',
      `the rollback was stopped: ${error instanceof Error ? error.message : String(error)}`,
      `the originals are in ${generation.folder}/originals; remove the cause and run mptfix rollback again`,
      { cause: error },
    );
  }
}

/** Undoes what a killed run has left open. Answers the generations that it put back. */
export async function finishOpen(target: Target): Promise<readonly number[]> {
  const open = (await generations(target)).filter(({ state }) => state === 'open');
  for (const generation of open) await rollback(target, generation);
  return open.map(({ number }) => number);
}
