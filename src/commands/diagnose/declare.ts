import { commonOfSeveral, type Declare, examples, overSshToSeveral } from '../shared/flags.ts';

export const declareDiagnose: Declare = (program, run) =>
  examples(overSshToSeveral(commonOfSeveral(program.command('diagnose'))), [
    ['mptfix diagnose', 'the logs of this machine'],
    ['mptfix diagnose /var/log/kern.log.2.gz --since "2026-01-31 14:00"', 'one file, from a moment on'],
    ['mptfix diagnose --root /mnt/guest --json', 'the logs of a mounted guest, as JSON'],
    ['mptfix diagnose --host root@db1', 'the logs of a running guest, over ssh'],
    ['mptfix diagnose --summary --root /mnt/a --root /mnt/b', 'two guests, one line for each incident'],
  ])
    .description(
      'read kernel logs: which path failures happened, what they hit, and whether the driver is to blame',
    )
    .argument('[file...]', 'log files, compressed or not, instead of the guest’s own; - is standard input')
    .option(
      '--since <moment>',
      'ignore what is earlier: 2026-01-31, "2026-01-31 14:00", @1767225600, or how long ago: 10m, 2h, 3d',
    )
    .option('--until <moment>', 'ignore what is later')
    .option('--summary', 'print one line for each incident, and one for a guest without any', false)
    .action((files, options) =>
      run(async (signal) => (await import('./diagnose.ts')).diagnoseCommand(files, options, signal)),
    );
