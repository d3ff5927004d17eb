import type { Command } from 'commander';
import { building, common, installing, making, mutating } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

/** `mptfix apply` with its options. */
export function declareApply(program: Command, run: Run): void {
  mutating(installing(making(building(common(program.command('apply'))))))
    .description('fetch the source, patch it, build the module, prove it, install it')
    .option(
      '--install-tools',
      'as root on Debian or Ubuntu, install build tools that are missing on this machine',
      false,
    )
    .action((options) => run(async (signal) => (await import('./apply.ts')).apply(options, signal)));
}
