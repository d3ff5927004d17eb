import { isFailure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { isCode } from '../machine/reads.ts';
import { lockGuest } from '../transaction/lock.ts';
import { finishOpen, isUnsettled, type Settled } from './rollback.ts';

/** What an earlier run has left in the middle, and what was done about it, in words; empty where there is nothing. */
export async function settleOpen(target: Target): Promise<readonly string[]> {
  return (await finishOpen(target)).map(settledText);
}

export function settledText({ generation, how, undone }: Settled): string {
  const what =
    how === 'undone'
      ? `an installation was stopped in the middle: generation ${generation} was undone`
      : `a rollback was stopped in the middle: that of generation ${generation} was finished`;
  const left =
    undone.left.length === 0 ? '' : `; changed by somebody else since, and left: ${undone.left.join(', ')}`;
  return `${what}, everything is as it was before${left}`;
}

/**
 * For a command that is about to read a guest: puts back what an earlier run has left in the middle, if this process
 * may, so that it does not judge half an installation; else says so. Opens the guest for writing only then.
 */
export async function settleBeforeReading(
  reading: Target,
  openForWriting: () => Target,
): Promise<readonly string[]> {
  try {
    if (!(await isUnsettled(reading))) return [];
    const target = openForWriting();
    const lock = await lockGuest(target);
    try {
      return await settleOpen(target);
    } finally {
      await lock.release();
    }
  } catch (error) {
    // The state is root's: others cannot tell, and a check is for everybody.
    if (isCode(error, 'EACCES')) return [];
    if (isFailure(error) && error.failure.code === 'E_LOCKED')
      return [`another run of mptfix is at work on ${reading.name}: what is told here may be half of it`];
    const why = isFailure(error) ? error.failure.what : (error as Error).message;
    return [
      `an earlier run was stopped in the middle and could not be put back now (${why}): run mptfix rollback as root`,
    ];
  }
}
