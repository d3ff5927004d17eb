import type { Argv, RunOptions, Target } from './port.ts';

/**
 * Runs a program that changes the guest and must succeed. Throws the error that `problem` returns for the program's
 * message; by default one that also names the command line and its exit status.
 */
export async function mustRun(
  target: Pick<Target, 'run'>,
  argv: Argv,
  { problem, ...options }: Omit<RunOptions, 'effect'> & { readonly problem?: (words: string) => Error } = {},
): Promise<void> {
  const { status, stdout, stderr } = await target.run(argv, { ...options, effect: 'write' });
  if (status === 0) return;
  const words = stderr.trim() || (stdout.toString('utf8').trim().split('\n').at(-1) ?? '');
  throw (
    problem?.(words) ?? new Error(`${argv.join(' ')} ended with status ${status}: ${words.split('\n')[0]}`)
  );
}
