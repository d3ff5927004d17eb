import type { Command } from 'commander';
import { common, type Example, examples } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

const EXAMPLES: readonly Example[] = [
  ['mptfix diagnose', 'the logs of this machine'],
  ['mptfix diagnose /var/log/kern.log.2.gz --since "2026-01-31 14:00"', 'one file, from a moment on'],
  ['mptfix diagnose --root /mnt/guest --json', 'the logs of a mounted guest, as JSON'],
];

/** `mptfix diagnose` with its options. */
export function declareDiagnose(program: Command, run: Run): void {
  examples(common(program.command('diagnose')), EXAMPLES)
    .description(
      'read kernel logs: which path failures happened, what they hit, and whether the driver is to blame',
    )
    .argument('[file...]', 'log files, compressed or not, instead of the guest’s own; - is standard input')
    .option('--since <moment>', 'ignore what is earlier: 2026-01-31, "2026-01-31 14:00", @1767225600 or 2h')
    .option('--until <moment>', 'ignore what is later')
    .action((files, options) =>
      run(async () => (await import('./diagnose.ts')).diagnoseCommand(files, options)),
    );
}
