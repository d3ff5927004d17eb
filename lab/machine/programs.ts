import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { RunOptions, Target } from '../../src/machine/port.ts';

/** A program that dies with this process, however this process ends. */
export function spawnBound(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess & { readonly stdout: NodeJS.ReadableStream; readonly stderr: NodeJS.ReadableStream } {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', ...env },
  });
  return child as ReturnType<typeof spawnBound>;
}

/** Kills it and waits until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Runs a program that must succeed; returns its stdout. */
export async function mustRun(
  machine: Target,
  argv: readonly [string, ...string[]],
  options: Omit<RunOptions, 'effect'> = {},
): Promise<Buffer> {
  const { status, stdout, stderr } = await machine.run(argv, { ...options, effect: 'write' });
  if (status !== 0) throw new Error(`${argv.join(' ')} failed (${status}): ${stderr.trim()}`);
  return stdout;
}
