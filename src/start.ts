import { setFlagsFromString } from 'node:v8';

/**
 * Where a run begins. Timers call `watch once` each minute on every guest: it goes past the command line's parser and
 * whatever else it does not need. All others, and whatever is not plain here, are `cli.ts`'s.
 */
export async function start(argv: readonly string[]): Promise<number> {
  if (argv[0] !== 'watch') return viaCli(argv);
  if (argv[1] === 'worker') return (await import('./watch/worker/run.ts')).runWorker(argv[2]);
  if (argv[1] !== 'once') return viaCli(argv);
  const { quickOptions } = await import('./commands/watch/quick.ts');
  const options = quickOptions(argv.slice(2));
  if (options === undefined) return viaCli(argv);
  // A tenth of a second is not worth the compilers' threads and memory: 9 MiB of 65.
  for (const flag of ['--no-opt', '--no-maglev', '--semi-space-growth-factor=1']) setFlagsFromString(flag);
  try {
    return await (await import('./commands/watch/once.ts')).once(options);
  } catch (error) {
    return (await import('./cli.ts')).tellFailure(error, argv);
  }
}

async function viaCli(argv: readonly string[]): Promise<number> {
  return (await import('./cli.ts')).main(argv);
}
