import { stat } from 'node:fs/promises';
import { type Command, CommanderError } from 'commander';
import { asFailure } from '../as-failure.ts';
import { doAtEnd } from '../at-end.ts';
import { isPlugin, NAGIOS_STATUS, nagiosUnknown } from '../commands/watch/nagios.ts';
import { EXIT_STATUS, failure, isFailure } from '../errors.ts';
import { callLine, lookingAt, typedHelp, type Whereabouts, whereabouts } from '../typed.ts';
import { commandLine } from './commands.ts';
import { withoutHelp } from './help.ts';
import { watchSignals } from './signals.ts';
import { report, stopped } from './stopped.ts';

/** Runs one command line; answers the exit status. Never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  let where: Whereabouts = {};
  callLine(argv);
  const reportStop = (error?: unknown): void => report(lookingAt(where, stopped), argv, error);
  const interrupts = watchSignals(reportStop);
  let status = 0;
  const program = commandLine(async (act) => {
    status = await lookingAt(where, () => act(interrupts.signal));
  }, argv[0]);
  program.hook('preAction', (_, command) => {
    where = whereabouts(command.opts());
    return waitForTrees(where.root ?? []);
  });
  try {
    await program.parseAsync(withoutHelp(program, argv), { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? 0 : reportFailure(usage(error, program, argv), argv);
    if (!interrupts.signal.aborted || isUndoFailure(error)) return reportFailure(error, argv);
    reportStop(error);
    return interrupts.status();
  } finally {
    await doAtEnd();
    interrupts.stop();
  }
}

/** A folder on a file system that hangs is waited for where a signal can still end the run. */
async function waitForTrees(roots: string | readonly string[]): Promise<void> {
  for (const root of [roots].flat()) await stat(root).catch(() => {});
}

/** Prints what went wrong; answers the exit status that belongs to it. Errors become exit statuses only here. */
export function reportFailure(error: unknown, argv: readonly string[]): number {
  const problem = asFailure(error);
  report(problem, argv, error);
  if (!isPlugin(argv)) return EXIT_STATUS[problem.code];
  // To Nagios 2 is an alarm: a line that is wrong is none.
  if (!argv.includes('--json')) process.stdout.write(`${nagiosUnknown(problem.what)}\n`);
  return NAGIOS_STATUS.unknown;
}

/** What commander found wrong, in the form of every other error. */
function usage(error: CommanderError, program: Command, argv: readonly string[]): Error {
  const command = commandOf(program, argv);
  const what =
    error.code === 'commander.help'
      ? `${command} needs the name of a command`
      : error.message.replace(/^error: /, '');
  return failure('E_USAGE', what, `${typedHelp(command.split(' ').slice(1))} lists what it takes`);
}

/** The words of the command that a command line reached. */
function commandOf(program: Command, [word, ...rest]: readonly string[]): string {
  const next = program.commands.find((one) => one.name() === word);
  return next === undefined ? program.name() : `${program.name()} ${commandOf(next, rest)}`;
}

/** That not everything could be put back matters more than the signal. */
function isUndoFailure(error: unknown): boolean {
  return isFailure(error) && EXIT_STATUS[error.failure.code] === EXIT_STATUS.E_INSTALL_UNDO;
}
