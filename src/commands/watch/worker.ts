import { runWorker } from '../../filesystems/worker/run.ts';

/** `mptfix watch worker KIND`: the child that the watch starts for what may hang in the kernel. */
export async function worker(kind: string | undefined): Promise<number> {
  return runWorker(kind);
}
