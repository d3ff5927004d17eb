import type { Command } from 'commander';
import { common, type Example, examples, mutating } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

const EXAMPLES: readonly Example[] = [
  ['mptfix status', 'this machine'],
  ['mptfix status --root /mnt/guest --json', 'a mounted guest, as JSON'],
  ['mptfix status --prune --dry-run', 'which old initramfs images --prune would remove'],
];

/** `mptfix status` with its options. */
export function declareStatus(program: Command, run: Run): void {
  examples(mutating(common(program.command('status'))), EXAMPLES)
    .description('show which driver is installed, loaded and in the initramfs, and whether they agree')
    .option('--prune', 'remove the old initramfs images that apply kept from /boot and the boot menu', false)
    .action((options) => run(async (signal) => (await import('./status.ts')).status(options, signal)));
}
