import type { Artifact } from '../../build/artifact.ts';
import type { BuildContext } from '../../build/job.ts';
import { type Preparation, prepareSteps, productionSteps } from '../../build/produce.ts';
import type { StepChain } from '../../progress.ts';
import type { View } from '../../ui/output.ts';
import { runSteps } from '../../ui/steps.ts';
import { noCache, openCache } from '../../work/cache.ts';
import { openWorkspace } from '../../work/workspace.ts';
import { type WorkFlags, workBase } from './build-options.ts';

/** Runs the steps of a production, and those that `whole` adds, in a work folder that is removed afterwards. */
export async function produce<T>(
  context: Pick<BuildContext, 'job' | 'options' | 'signal' | 'phase'>,
  view: WorkFlags & View,
  whole: (production: StepChain<Artifact>) => StepChain<T>,
): Promise<T> {
  return inWorkspace(view, (places) => whole(productionSteps({ ...context, ...places })));
}

/** The steps up to the compiler, for one that mptfix does not start. */
export function prepare(
  context: Pick<BuildContext, 'job' | 'options' | 'signal'>,
  view: WorkFlags & View,
  output: string,
): Promise<Preparation> {
  return inWorkspace(view, (places) => prepareSteps({ ...context, ...places }, output));
}

async function inWorkspace<T>(
  view: WorkFlags & View,
  chain: (places: Pick<BuildContext, 'cache' | 'workspace'>) => StepChain<T>,
): Promise<T> {
  const cache = view.cache ? await openCache() : noCache;
  const workspace = await openWorkspace(workBase(view));
  try {
    const { steps, result } = chain({ cache, workspace });
    await runSteps(steps, view);
    return await result;
  } finally {
    await workspace.dispose();
  }
}
