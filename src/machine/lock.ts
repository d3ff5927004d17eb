import { once } from 'node:events';
import { execa } from 'execa';
import type { Lock } from './port.ts';

/**
 * Locks a folder with flock(2), through util-linux's `flock`, without writing a byte: a folder can be locked like a file.
 * The kernel holds the lock for a child that waits for the end of its input, so the lock ends with this process, however
 * that ends.
 *
 * Undefined where another process holds it.
 */
export async function lockFolder(path: string): Promise<Lock | undefined> {
  const child = execa(
    'flock',
    ['--nonblock', '--conflict-exit-code', '75', path, 'sh', '-c', 'echo held; exec cat'],
    {
      reject: false,
      stdin: 'pipe',
      // Ctrl-C reaches the whole foreground group: the lock must survive it until the undo is done.
      detached: true,
      cleanup: true,
    },
  );
  const held = await Promise.race([once(child.stdout, 'data'), child.then(() => undefined)]);
  if (held === undefined) {
    const result = await child;
    if (result.exitCode === 75) return undefined;
    throw new Error(`flock failed: ${result.stderr || result.shortMessage}`);
  }
  return {
    release: async () => {
      child.stdin.end();
      await child;
    },
  };
}
