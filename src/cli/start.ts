import { setFlagsFromString } from 'node:v8';
import { failure } from '../errors.ts';
import { lostOutput, outliveReaders } from '../ui/readers.ts';

/** Where a run begins, and where it ends: the answer is its exit status. */
export async function start(argv: readonly string[]): Promise<number> {
  outliveReaders();
  const status = await run(argv);
  const problem = await lostOutput();
  if (problem === undefined) return status;
  const error = failure(
    'E_OUTPUT',
    `what the command did is done, but stdout could not be written: ${problem.message}`,
    'make room where stdout goes; mptfix status tells how the guest stands',
  );
  return (await import('./main.ts')).tellFailure(error, []);
}

/**
 * Timers call `watch once` each minute on every guest: it goes past the command line's parser and
 * whatever else it does not need. All others, and whatever is not plain here, are `cli.ts`'s.
 */
async function run(argv: readonly string[]): Promise<number> {
  if (argv[0] !== 'watch') return viaCli(argv);
  if (argv[1] === 'worker') return (await import('../commands/watch/worker.ts')).worker(argv[2]);
  if (argv[1] !== 'once') return viaCli(argv);
  const { quickOptions } = await import('../commands/watch/quick.ts');
  const options = quickOptions(argv.slice(2));
  if (options === undefined) return viaCli(argv);
  // A tenth of a second is not worth the compilers' threads and memory: 9 MiB of 65.
  for (const flag of ['--no-opt', '--no-maglev', '--semi-space-growth-factor=1']) setFlagsFromString(flag);
  try {
    return await (await import('../commands/watch/once.ts')).once(options);
  } catch (error) {
    return (await import('./main.ts')).tellFailure(error, argv);
  }
}

async function viaCli(argv: readonly string[]): Promise<number> {
  return (await import('./main.ts')).main(argv);
}
