import type { Command } from 'commander';
import { common, mutating, repeatable } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';
import type { HardenOptions } from './harden.ts';

/** `mptfix harden` with its options. */
export function declareHarden(program: Command, run: Run): void {
  mutating(common(program.command('harden')))
    .description('show errors= policies and SCSI timeouts; set them, and put them back')
    .option('--apply <setting...>', 'errors=remount-ro|continue|panic and timeout=SECONDS, either or both')
    .option('--undo', 'put everything back as it was before the first --apply', false)
    .option('--force', 'with --undo: also what somebody else has changed since', false)
    .option('--mount-point <folder>', 'only these file systems (repeats)', repeatable)
    .option('--device <path>', 'with --root: the block device or image file whose superblock is set too')
    .action((options: HardenOptions) =>
      run(async (signal) => (await import('./harden.ts')).harden(options, signal)),
    );
}
