import { commonOfSeveral, type Declare, examples, overSshToSeveral } from '../shared/flags.ts';

export const declareCheck: Declare = (program, run) =>
  examples(overSshToSeveral(commonOfSeveral(program.command('check'))), [
    ['mptfix check', 'this machine; exit status 10 if it is affected'],
    ['mptfix check --root /mnt/guest --json', 'a guest’s disk that is mounted at /mnt/guest, as JSON'],
    ['mptfix check --host root@db1 --host root@db2', 'two running guests, over ssh; they need no Node'],
    ['mptfix check --root /mnt/a --root /mnt/b --all-kernels', 'two guests, all their kernels, in one table'],
  ])
    .description('report whether the guest’s driver turns a SCSI BUSY into an I/O error, with the evidence')
    .option(
      '--source <path>',
      'check only this source: a file, the driver’s folder, a kernel tree or a tarball',
    )
    .option('--all-kernels', 'check every kernel that the guest has, one row each', false)
    .option('--module <file>', 'check only this module file')
    .action((options) => run(async (signal) => (await import('./check.ts')).check(options, signal)));
