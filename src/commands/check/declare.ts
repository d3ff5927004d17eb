import type { Command } from 'commander';
import { common } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

/** `mptfix check` with its options. */
export function declareCheck(program: Command, run: Run): void {
  common(program.command('check'))
    .description('tell whether the guest’s driver turns BUSY into an I/O error, and why')
    .option('--source <path>', 'judge a source file, a driver’s folder, a kernel tree or a tarball alone')
    .option('--module <file>', 'judge a module file alone')
    .action((options) => run(async (signal) => (await import('./check.ts')).check(options, signal)));
}
