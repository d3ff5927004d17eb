import { join } from 'node:path';
import type { TargetReads } from '../machine/port.ts';

/**
 * Programs that fetch print no figures off a terminal: the folder shows what has arrived. Reports its bytes at intervals;
 * returns how to stop watching.
 */
export function watchSize(
  machine: Pick<TargetReads, 'list' | 'stat'>,
  folder: string,
  report: (bytes: number) => void,
): () => Promise<void> {
  let running = true;
  const loop = (async () => {
    while (running) {
      const names = await machine.list(folder);
      const files = await Promise.all(names.map((name) => machine.stat(join(folder, name))));
      report(files.reduce((sum, file) => sum + (file?.size ?? 0), 0));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  })();
  return () => {
    running = false;
    return loop;
  };
}
