import { DRIVER_FOLDER } from '../kernel-source/driver-files.ts';
import type { Headers } from '../kernel-source/headers.ts';
import type { Progress } from '../progress.ts';
import type { Workspace } from '../work/workspace.ts';
import type { Compiled } from './compile.ts';
import { laterResult, type RunningBuilds } from './compile-both.ts';
import { makeAllModules } from './full-tree.ts';
import type { Job, Making } from './job.ts';
import type { Files } from './lay-out.ts';

/**
 * `--full`: all modules of the configured tree. One after the other, since both builds are made in the one tree: after
 * the first, the second makes only what the patch changes.
 */
export function startFullBuilds(
  job: Job,
  making: Making,
  headers: Headers,
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
): RunningBuilds {
  const stopper = new AbortController();
  const tree = {
    workspace,
    tree: headers.folder,
    release: job.kernel.release,
    makeVars: making.makeVars,
    progress,
    signal: AbortSignal.any([signal, stopper.signal]),
  };
  const build = (files: Files): Promise<Compiled> =>
    makeAllModules(tree, DRIVER_FOLDER, job.module.name, files);
  const results: { unchanged?: Promise<Compiled>; patched?: Promise<Compiled> } = {};
  return {
    unchanged: (files) => {
      results.unchanged = heardLater(build(files));
    },
    patched: (files) => {
      const first = laterResult(results.unchanged);
      results.patched = files === undefined ? first : heardLater(first.then(() => build(files)));
    },
    result: async () => ({
      unchanged: await laterResult(results.unchanged),
      patched: await laterResult(results.patched),
    }),
    stop: async () => {
      stopper.abort();
      await Promise.allSettled([results.unchanged, results.patched]);
    },
  };
}

/** Whoever waits for the result hears of a failure; until then nobody may. */
function heardLater<T>(result: Promise<T>): Promise<T> {
  result.catch(() => {});
  return result;
}
