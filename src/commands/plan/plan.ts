import { prepare } from '../../plan/prepare.ts';
import { printResult } from '../../ui/output.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type MakingOptions, requireMaking } from '../shared/making.ts';
import { type BuildingOptions, type InstallingOptions, openTarget } from '../shared/options.ts';
import { planPage } from './page.ts';

/** `mptfix plan`: what apply would do. Reads only. */
export async function plan(options: BuildingOptions & InstallingOptions & MakingOptions): Promise<number> {
  requireMaking(options);
  await reportInterrupted(options);
  const { plan: document } = await prepare(openTarget(options, true), options);
  printResult(options, document, planPage(document));
  return 0;
}
