import { failure } from '../../errors.ts';
import { traitsOf } from '../../machine/kinds.ts';
import type { Target } from '../../machine/port.ts';
import { fileHandlers } from '../../transaction/files.ts';
import { type Handler, reason, type TransactionUser } from '../../transaction/handler.ts';
import { placeOf } from '../../transaction/purpose.ts';
import type { StepOf } from '../../transaction/steps.ts';
import { typed } from '../../typed.ts';
import { cronScheduler, crontabScheduler } from './cron.ts';
import { dropCopy, loadIntoMemory } from './program.ts';
import { runAll, type Scheduler } from './scheduler.ts';
import { systemdScheduler } from './systemd.ts';

type SchedulerStep = StepOf<'scheduler'>;

/** The best first. */
export const SCHEDULERS: Readonly<Record<SchedulerStep['scheduler'], Scheduler>> = {
  systemd: systemdScheduler,
  'cron.d': cronScheduler,
  crontab: crontabScheduler,
};

/** Gone at a reboot; then there is nothing to undo. */
const memoryCopy: Handler<StepOf<'memory-copy'>> = {
  act: async ({ target }) => void (await loadIntoMemory(target)),
  current: async ({ target }, { path }) => ((await target.lstat(path)) === undefined ? 'before' : 'after'),
  undo: async ({ target }) => {
    await dropCopy(target);
    return 'restored';
  },
  words: ({ path }) => `${path}: a copy of the program in memory`,
  undoWords: ({ path }) => `${path}: removed`,
  about: ({ path }) => path,
};

/** A running scheduler reads the files again before the job is started, and again when they are put back. */
const scheduler: Handler<SchedulerStep> = {
  act: async ({ target }, step) => {
    if (step.action === 'start') await runHere(target, SCHEDULERS[step.scheduler].start);
  },
  current: async () => 'after',
  undo: async ({ target }, step) => {
    const { stop, after } = SCHEDULERS[step.scheduler];
    const commands = step.action === 'reload' ? after : step.isNew ? stop : [];
    // The first failure is reported; another one here would hide it. At its next start it reads the files anyway.
    await runHere(target, commands).catch(() => undefined);
    return 'restored';
  },
  words: ({ scheduler: name, action }) =>
    action === 'start' ? `${name}: the watch is started` : `${name}: made ready`,
  undoWords: ({ scheduler: name, action }) =>
    action === 'start' ? `${name}: the watch is stopped` : `${name}: its files are read again`,
  about: ({ scheduler: name, action }) => `${action} of ${name}`,
  alwaysUndo: true,
};

async function runHere(target: Target, commands: Scheduler['start']): Promise<void> {
  if (traitsOf(target).isRunning) await runAll(target, commands);
}

/** The watch's schedule as a transaction. */
export const scheduleUser: TransactionUser = {
  purpose: 'schedule',
  handlers: { ...fileHandlers, 'memory-copy': memoryCopy, scheduler },
  undoFailed: (error, folder, cause) =>
    failure(
      'E_SCHEDULE_UNDO',
      `${cause === undefined ? '' : `the schedule could not be installed (${reason(cause)}); `}putting things back was stopped: ${reason(error)}`,
      `the originals are in ${folder}/originals; remove the cause and run ${typed('watch uninstall')}`,
      { cause: error },
    ),
  refuse: (foreign) =>
    failure(
      'E_FILE_CHANGED',
      `changed by somebody else since an installation of the watch was interrupted, and not overwritten: ${foreign.join(', ')}`,
      `look at the difference to the original in ${placeOf('schedule').folder}; ${typed('watch uninstall')} takes the watch out of it and leaves the rest`,
    ),
};
