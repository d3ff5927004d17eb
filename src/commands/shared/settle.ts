import { STATE_FOLDER } from '../../machine/folders.ts';
import { say } from '../../ui/output.ts';
import { type CommonOptions, openTarget } from './options.ts';

/**
 * Before a command reads a guest: what an earlier run has left in the middle is put back, and said. Costs one look
 * where mptfix was never used.
 */
export async function settleFirst(options: Pick<CommonOptions, 'root'>): Promise<void> {
  const reading = openTarget(options, true);
  if ((await reading.lstat(STATE_FOLDER)) === undefined) return;
  const { settleBeforeReading } = await import('../../install/settle.ts');
  for (const line of await settleBeforeReading(reading, () => openTarget(options, false))) say(line);
}
