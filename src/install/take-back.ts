import { failure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { generationFolder, generations } from './state.ts';
import { undo } from './undo.ts';

/** Undoes an installation that failed, and leaves no trace of it. Throws E_INSTALL_UNDO where that fails, too. */
export async function takeBack(
  target: Target,
  number: number,
  leave: () => Promise<void>,
  cause: unknown,
): Promise<void> {
  try {
    const mine = (await generations(target)).find((generation) => generation.number === number);
    const undone = mine === undefined ? undefined : await undo(target, mine);
    if (undone !== undefined && undone.left.length > 0)
      throw new Error(`somebody else has changed ${undone.left.join(', ')} meanwhile`);
    await target.removeTree(generationFolder(number));
    await leave();
  } catch (error) {
    throw failure(
      'E_INSTALL_UNDO',
      `the installation failed (${message(cause)}), and so did putting things back (${message(error)})`,
      `the originals are in ${generationFolder(number)}/originals; run mptfix rollback as soon as the cause is gone, before a reboot`,
      { cause: error },
    );
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
