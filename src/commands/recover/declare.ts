import type { Command } from 'commander';
import { common, type Example, examples, mutating } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';
import type { RecoverOptions } from './recover.ts';

const EXAMPLES: readonly Example[] = [
  ['mptfix recover', 'every file system of this machine’s disks'],
  ['mptfix recover /var /srv', 'these two alone'],
  ['mptfix recover /var --apply', 'as root: do the safe steps for /var'],
];

/** `mptfix recover` with its options. */
export function declareRecover(program: Command, run: Run): void {
  examples(mutating(common(program.command('recover'))), EXAMPLES)
    .description('show the state of each file system, and the steps to recover one that went read-only')
    .argument('[mountpoint...]', 'only these file systems')
    .option('--apply', 'do the safe steps, and ask before each', false)
    .action((mountPoints: readonly string[], options: RecoverOptions) =>
      run(async (signal) => (await import('./recover.ts')).recover(mountPoints, options, signal)),
    );
}
