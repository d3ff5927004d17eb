import { runWorker } from '../../filesystems/worker/run.ts';

/** `mptfix watch worker KIND [PROGRAM]`: the child that the watch starts for what may hang in the kernel. */
export async function worker(words: readonly string[]): Promise<number> {
  return runWorker(words);
}
