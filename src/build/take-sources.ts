import type { DriverFiles } from '../kernel-source/driver-files.ts';
import type { Headers } from '../kernel-source/headers.ts';
import type { Progress } from '../progress.ts';
import type { Workspace } from '../work/workspace.ts';
import { proveBeforehand } from './artifact.ts';
import { type RunningBuilds, startBuilds } from './compile-both.ts';
import { startFullBuilds } from './full-builds.ts';
import type { Job, Making } from './job.ts';
import { type Fetched, obtainHeaders, openSource } from './obtain.ts';
import { obtainTree } from './obtain-tree.ts';
import type { ProofResult } from './proof.ts';

/** What a build starts from. */
export interface Taken {
  source: DriverFiles;
  headers: Headers;
  /** What must hold before a compiler sees the source. */
  beforehand: readonly ProofResult[];
  running: RunningBuilds;
}

/**
 * Takes source and headers side by side. As soon as the headers are there both builds are begun; the driver is given to
 * the unchanged one once source, headers and compiler are proven to be of one version.
 */
export async function takeSources(
  job: Job,
  making: Making,
  made: Taken & { readonly fetched: Fetched },
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const opened = await openSource(job, made.fetched, workspace, progress, making.cache, signal);
  const source = opened.atHand ? Promise.resolve(opened.files) : opened.unpack();
  const headers = headersOf(job, making, made.fetched, workspace, progress, signal).then((found) => {
    made.running = making.full
      ? startFullBuilds(job, making, found, workspace, progress, signal)
      : startBuilds(job, making, found, workspace, progress, signal, !opened.atHand);
    return found;
  });
  // Whatever happens, both have ended then: nothing may still write into a work folder that is being removed.
  await Promise.allSettled([source, headers]);
  made.source = await source;
  made.headers = await headers;
  made.beforehand = await proveBeforehand(job, making, made.source, made.headers, workspace);
  made.running.unchanged(new Map(made.source.files));
}

async function headersOf(
  job: Job,
  making: Making,
  fetched: Fetched,
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
): Promise<Headers> {
  if (!making.wholeTree) return obtainHeaders(job, fetched, workspace);
  return obtainTree(job, making, fetched, workspace, progress, signal);
}
