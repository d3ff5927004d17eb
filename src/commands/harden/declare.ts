import type { Command } from 'commander';
import { common, type Example, examples, mutating, repeatable } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';
import type { HardenOptions } from './harden.ts';

const EXAMPLES: readonly Example[] = [
  ['mptfix harden', 'show the policies and timeouts, and advice'],
  ['mptfix harden --apply errors=remount-ro timeout=180', 'as root: set both, for all disks'],
  ['mptfix harden --undo', 'as root: put everything back'],
];

/** `mptfix harden` with its options. */
export function declareHarden(program: Command, run: Run): void {
  examples(mutating(common(program.command('harden'))), EXAMPLES)
    .description('show errors= policies and SCSI timeouts, set them, and put them back')
    .option('--apply <setting...>', 'set errors=remount-ro|continue|panic, timeout=SECONDS, or both')
    .option('--undo', 'put everything back to what it was before the first --apply', false)
    .option('--force', 'with --undo: even what something else has changed since', false)
    .option('--mount-point <folder>', 'only this file system; may be repeated', repeatable)
    .option('--device <path>', 'with --root: also set the superblock of this block device or image file')
    .action((options: HardenOptions) =>
      run(async (signal) => (await import('./harden.ts')).harden(options, signal)),
    );
}
