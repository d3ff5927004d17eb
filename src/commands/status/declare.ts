import type { Command } from 'commander';
import { common, mutating } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

/** `mptfix status` with its options. */
export function declareStatus(program: Command, run: Run): void {
  mutating(common(program.command('status')))
    .description('say what is installed, loaded and in the initramfs, and whether they agree')
    .option('--prune', 'take the kept old initramfs images out of /boot and of the boot menu', false)
    .action((options) => run(async (signal) => (await import('./status.ts')).status(options, signal)));
}
