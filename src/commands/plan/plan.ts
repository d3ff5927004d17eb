import type { InstallOptions } from '../../plan/plan.ts';
import { prepare } from '../../plan/prepare.ts';
import { printResult } from '../../ui/output.ts';
import { type BuildFlags, buildOptions } from '../shared/build-options.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type CommonOptions, openTarget } from '../shared/options.ts';
import { planPage } from './page.ts';

/** `mptfix plan`: what apply would do. Reads only. */
export async function plan(options: CommonOptions & BuildFlags & InstallOptions): Promise<number> {
  const build = buildOptions(options);
  await reportInterrupted(options);
  const document = await prepare(openTarget(options, true), {
    kernel: options.kernel,
    build,
    install: options,
  });
  printResult(options, document, planPage(document));
  return 0;
}
