import { prepare } from '../../plan/prepare.ts';
import { printResult } from '../../ui/output.ts';
import { type MakingOptions, requireMaking } from '../shared/making.ts';
import { type BuildingOptions, type InstallingOptions, openTarget } from '../shared/options.ts';
import { settleFirst } from '../shared/settle.ts';
import { planPage } from './page.ts';

/** `mptfix plan`: what apply would do. Reads only, once what a killed run has left is put back. */
export async function plan(options: BuildingOptions & InstallingOptions & MakingOptions): Promise<number> {
  requireMaking(options);
  await settleFirst(options);
  const { plan: document } = await prepare(openTarget(options, true), options);
  printResult(options, document, planPage(document));
  return 0;
}
