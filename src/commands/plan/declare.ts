import { building, common, type Declare, examples, installing, making, overSsh } from '../shared/flags.ts';

export const declarePlan: Declare = (program, run) =>
  examples(installing(making(building(overSsh(common(program.command('plan')))))), [
    ['mptfix plan', 'what apply would do on this machine'],
    ['mptfix plan --root /mnt/guest --kernel 3.2.0-4-amd64', 'for one of several kernels of a mounted guest'],
    ['mptfix plan --placement updates --json', 'with the new module in updates/, as JSON'],
  ])
    .description('print what apply would do, and change nothing')
    .action((options) => run(async (signal) => (await import('./plan.ts')).plan(options, signal)));
