import type { RunOptions, Target } from '../../src/machine/port.ts';

/** Runs a program that has to end well; answers its stdout. */
export async function mustRun(
  machine: Target,
  argv: readonly [string, ...string[]],
  options: Omit<RunOptions, 'effect'> = {},
): Promise<Buffer> {
  const { status, stdout, stderr } = await machine.run(argv, { ...options, effect: 'write' });
  if (status !== 0) throw new Error(`${argv.join(' ')} failed (${status}): ${stderr.trim()}`);
  return stdout;
}
