import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program that dies with this process, however this process ends. */
export function spawnBound(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input: 'ignore' | 'pipe' = 'ignore',
): ChildProcess & { readonly stdout: NodeJS.ReadableStream; readonly stderr: NodeJS.ReadableStream } {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
    stdio: [input, 'pipe', 'pipe'],
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
