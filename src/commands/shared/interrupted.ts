import { foreseeFacts } from '../../assess/foresee.ts';
import type { Generation } from '../../install/generations.ts';
import { isCode } from '../../machine/file-errors.ts';
import { MODULES_FOLDER, STATE_FOLDER } from '../../machine/folders.ts';
import type { Target } from '../../machine/port.ts';
import type { Purpose } from '../../transaction/purpose.ts';
import type { Interrupted } from '../../transaction/settle.ts';
import { typed } from '../../typed.ts';
import { say } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { openTarget, type TargetOptions } from './options.ts';

/** What a transaction of each purpose is called. */
export const PURPOSE_WORDS: Readonly<Record<Purpose, string>> = {
  install: 'an installation',
  harden: 'a run of harden',
  schedule: 'an installation of the watch',
};

/**
 * For a command that only reads: says that an earlier run was interrupted, and names the command that puts it back.
 * Writes nothing. Costs one look where mptfix was never used.
 */
export async function reportInterrupted(
  options: TargetOptions & { readonly kernel?: string | undefined },
): Promise<void> {
  const target = openTarget(options, true);
  // What follows is a look at this guest's driver: of one far away all of it is asked for with this.
  foreseeFacts(target, options.kernel);
  if ((await target.lstat(STATE_FOLDER)) === undefined) return;
  for (const line of await linesAbout(target)) say(printable(line));
}

async function linesAbout(target: Target): Promise<readonly string[]> {
  try {
    // Read only here: where mptfix was never used, nothing of this is loaded.
    const { interrupted } = await import('../../transaction/settle.ts');
    const { generations } = await import('../../install/generations.ts');
    const unknown: string[] = [];
    const found = await interrupted(target, (error) => unknown.push(notKnown(error.failure.what)));
    if (found.length === 0) return unknown;
    if (await isAtWork(target))
      return [`another run of mptfix is at work on ${target.name}: what is reported here may be incomplete`];
    const hasInstallation = found.some(({ purpose }) => purpose === 'install');
    const known = hasInstallation ? await generations(target) : [];
    const lines = found.map(
      (one) =>
        `${PURPOSE_WORDS[one.purpose]} was interrupted (number ${one.number}), and what is reported here may be incomplete; to put everything back: ${repairCommand(one, known)}`,
    );
    return [...lines, ...unknown];
  } catch (error) {
    // The state is root's: others cannot tell, and a check is for everybody.
    if (isCode(error, 'EACCES')) return [];
    return [notKnown((error as Error).message)];
  }
}

function notKnown(why: string): string {
  return `it is not known whether an earlier run was interrupted: ${why}`;
}

/**
 * The command that puts back one interrupted run, and undoes no finished one: the generation in force stays in force.
 * That of `harden` and `watch` undoes all that they have done.
 */
function repairCommand({ purpose, kernel }: Interrupted, known: readonly Generation[]): string {
  if (purpose === 'harden') return typed('harden', ['--undo']);
  if (purpose === 'schedule') return typed('watch uninstall');
  const inForce = known.findLast((one) => one.kernel === kernel && one.state === 'installed');
  return typed('rollback', ['--to', String(inForce?.number ?? 0)], kernel === null ? {} : { kernel });
}

/** Whether what looks interrupted is a run that has not ended yet. A lock is no write. */
async function isAtWork(target: Target): Promise<boolean> {
  const hasModules = (await target.stat(MODULES_FOLDER))?.type === 'directory';
  if (await target.isLocked(hasModules ? MODULES_FOLDER : '/etc')) return true;
  try {
    const lock = await target.lock(hasModules ? MODULES_FOLDER : '/etc');
    await lock?.release();
    return lock === undefined;
  } catch {
    // Who may not lock it cannot tell.
    return false;
  }
}
