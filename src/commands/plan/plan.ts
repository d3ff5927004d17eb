import type { InstallOptions } from '../../plan/plan.ts';
import { prepare } from '../../plan/prepare.ts';
import { printResult } from '../../ui/output.ts';
import {
  type BuildFlags,
  buildOptions,
  type WorkFlags,
  workBase as workBaseOf,
} from '../shared/build-options.ts';
import { foresee } from '../shared/foresee.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { requireInPlace } from '../shared/on-guest.ts';
import { type CommonOptions, openTarget } from '../shared/options.ts';
import { planPage } from './page.ts';

type PlanOptions = CommonOptions & BuildFlags & Pick<WorkFlags, 'work'> & InstallOptions;

/** `mptfix plan`: what apply would do, refused where apply would be. Reads only. */
export async function plan(options: PlanOptions, signal: AbortSignal): Promise<number> {
  const build = buildOptions(options);
  if (options.host !== undefined) requireInPlace(options);
  await reportInterrupted(options);
  const target = openTarget(options, true);
  const document = await prepare(target, { kernel: options.kernel, build, install: options });
  const workBase = workBaseOf(options);
  await foresee(target, document, { options: build, workBase, signal, installsTools: false });
  printResult(options, document, planPage(document));
  return 0;
}
