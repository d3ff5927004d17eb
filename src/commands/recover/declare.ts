import type { Command } from 'commander';
import { common, mutating } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';
import type { RecoverOptions } from './recover.ts';

/** `mptfix recover` with its options. */
export function declareRecover(program: Command, run: Run): void {
  mutating(common(program.command('recover')))
    .description('say how file systems are, and step by step what to do for one that went read-only')
    .argument('[mountpoint...]', 'only these')
    .option('--apply', 'do the safe steps; asks before each', false)
    .action((mountPoints: readonly string[], options: RecoverOptions) =>
      run(async (signal) => (await import('./recover.ts')).recover(mountPoints, options, signal)),
    );
}
