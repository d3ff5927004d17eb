import type { Command } from 'commander';
import { building, common, type Example, examples, installing, making } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

const EXAMPLES: readonly Example[] = [
  ['mptfix plan', 'what apply would do on this machine'],
  ['mptfix plan --root /mnt/guest --kernel 3.2.0-4-amd64', 'for one of several kernels of a mounted guest'],
  ['mptfix plan --placement updates --json', 'with the new module in updates/, as JSON'],
];

/** `mptfix plan` with its options. */
export function declarePlan(program: Command, run: Run): void {
  examples(installing(making(building(common(program.command('plan'))))), EXAMPLES)
    .description('print what apply would do, and change nothing')
    .action((options) => run(async () => (await import('./plan.ts')).plan(options)));
}
