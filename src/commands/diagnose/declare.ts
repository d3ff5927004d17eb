import type { Command } from 'commander';
import { common } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

/** `mptfix diagnose` with its options. */
export function declareDiagnose(program: Command, run: Run): void {
  common(program.command('diagnose'))
    .description(
      'read kernel logs: which path failures happened, what they hit, and whether the driver was to blame',
    )
    .argument('[file...]', 'log files, also packed ones, instead of the guest’s own; - is standard input')
    .option('--since <moment>', 'leave out what is earlier: 2026-01-31, "2026-01-31 14:00", @1767225600, 2h')
    .option('--until <moment>', 'leave out what is later')
    .action((files, options) =>
      run(async () => (await import('./diagnose.ts')).diagnoseCommand(files, options)),
    );
}
