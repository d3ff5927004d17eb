import { common, type Declare, examples, mutating, overSsh } from '../shared/flags.ts';

export const declareRecover: Declare = (program, run) =>
  examples(mutating(overSsh(common(program.command('recover')))), [
    ['mptfix recover', 'every file system of this machine’s disks'],
    ['mptfix recover /var /srv', 'these two alone'],
    ['mptfix recover --host root@db1', 'those of a running guest, over ssh; --apply is for the guest itself'],
    ['mptfix recover /var --apply', 'as root: do the safe steps for /var'],
  ])
    .description('show the state of each file system, and the steps to recover one that went read-only')
    .argument('[mountpoint...]', 'only these file systems')
    .option('--apply', 'do the safe steps, and ask before each', false)
    .action((mountPoints, options) =>
      run(async (signal) => (await import('./recover.ts')).recover(mountPoints, options, signal)),
    );
