import { prepare } from '../flow/prepare.ts';
import { printResult } from '../ui/output.ts';
import { requireTree } from './making.ts';
import { type BuildingOptions, openTarget } from './options.ts';
import { planPage } from './pages/plan.ts';

/** `mptfix plan`: what apply would do. Reads only. */
export async function plan(options: BuildingOptions): Promise<number> {
  requireTree(options);
  const { plan: document } = await prepare(openTarget(options, true), options);
  printResult(options, document, planPage(document));
  return 0;
}
