import type { Command } from 'commander';
import { building, common, installing, making } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

/** `mptfix plan` with its options. */
export function declarePlan(program: Command, run: Run): void {
  installing(making(building(common(program.command('plan')))))
    .description('say what apply would do, and do nothing')
    .action((options) => run(async () => (await import('./plan.ts')).plan(options)));
}
