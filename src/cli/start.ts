import { setFlagsFromString } from 'node:v8';
import { learnCharset } from '../charset.ts';
import { failure } from '../errors.ts';
import { lookingAt, whereabouts } from '../typed.ts';
import { adaptOutput } from '../ui/ascii.ts';
import { lostOutput, outliveReaders } from '../ui/readers.ts';
import { followNpm } from './checkout.ts';
import { cleanEnvironment } from './environment.ts';
import { endAtSignal } from './signals.ts';
import { report, stopped } from './stopped.ts';

/** Runs one command line from start to end; answers the exit status. */
export async function start(argv: readonly string[]): Promise<number> {
  outliveReaders();
  learnCharset(process.env);
  adaptOutput();
  try {
    followNpm();
  } catch (error) {
    return (await import('./main.ts')).reportFailure(error, argv);
  }
  await cleanEnvironment();
  const status = await run(argv);
  const problem = await lostOutput();
  if (problem === undefined) return status;
  const error = failure(
    'E_OUTPUT',
    `the command did its work, but stdout could not be written: ${problem.message}`,
    'free space where stdout goes, and see what the guest is like now before you run it again',
  );
  return (await import('./main.ts')).reportFailure(error, []);
}

/**
 * Timers call `watch once` each minute on every guest: it skips the command line's parser and whatever else it does
 * not need. All other commands, and a `watch once` with anything unusual in its line, go to `main`.
 */
async function run(argv: readonly string[]): Promise<number> {
  if (argv[0] !== 'watch') return viaMain(argv);
  if (argv[1] === 'worker') return (await import('../commands/watch/worker.ts')).worker(argv.slice(2));
  if (argv[1] !== 'once') return viaMain(argv);
  const { quickOptions } = await import('../commands/watch/quick.ts');
  const options = quickOptions(argv.slice(2));
  if (options === undefined) return viaMain(argv);
  // A tenth of a second is not worth the compilers' threads and memory: 9 MiB of 65.
  for (const flag of ['--no-opt', '--no-maglev', '--semi-space-growth-factor=1']) setFlagsFromString(flag);
  const where = whereabouts(options);
  const forget = endAtSignal(() => report(lookingAt(where, stopped), argv, undefined));
  try {
    const { once } = await import('../commands/watch/once.ts');
    return await lookingAt(where, () => once(options));
  } catch (error) {
    return (await import('./main.ts')).reportFailure(error, argv);
  } finally {
    forget();
  }
}

async function viaMain(argv: readonly string[]): Promise<number> {
  return (await import('./main.ts')).main(argv);
}
