import { defined } from '../optional.ts';
import type { Argv, Target } from './port.ts';

/**
 * Runs a program that changes the guest and has to succeed. Throws what `problem` makes of what the program said; by
 * default an error that names the command line and its exit status too.
 * @param options `timeoutMs`: by default there is no limit
 */
export async function mustRun(
  target: Pick<Target, 'run'>,
  argv: Argv,
  options: { readonly timeoutMs?: number; readonly problem?: (words: string) => Error } = {},
): Promise<void> {
  const { timeoutMs, problem } = options;
  const { status, stdout, stderr } = await target.run(argv, { effect: 'write', ...defined({ timeoutMs }) });
  if (status === 0) return;
  const words = stderr.trim() || (stdout.toString('utf8').trim().split('\n').at(-1) ?? '');
  throw problem?.(words) ?? new Error(`${argv.join(' ')} ended with ${status}: ${words.split('\n')[0]}`);
}
