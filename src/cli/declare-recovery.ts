import type { Command } from 'commander';
import type { HardenOptions } from '../commands/harden/harden.ts';
import type { RecoverOptions } from '../commands/recover/recover.ts';
import { common, mutating } from '../commands/shared/flags.ts';
import type { Run } from '../commands/shared/options.ts';

/** `mptfix recover` and `mptfix harden`, with their options. */
export function declareRecovery(program: Command, run: Run): void {
  mutating(common(program.command('recover')))
    .description('say how file systems are, and step by step what to do for one that went read-only')
    .argument('[mountpoint...]', 'only these')
    .option('--apply', 'do the safe steps; asks before each', false)
    .action((mountPoints: readonly string[], options: RecoverOptions) =>
      run(async (signal) =>
        (await import('../commands/recover/recover.ts')).recover(mountPoints, options, signal),
      ),
    );

  mutating(common(program.command('harden')))
    .description('show errors= policies and SCSI timeouts; set them, and put them back')
    .option('--apply <setting...>', 'errors=remount-ro|continue|panic and timeout=SECONDS, either or both')
    .option('--undo', 'put everything back as it was before the first --apply', false)
    .option('--force', 'with --undo: also what somebody else has changed since', false)
    .option(
      '--mount-point <folder>',
      'only these file systems (repeats)',
      (word: string, all: string[] = []) => [...all, word],
    )
    .option('--device <path>', 'with --root: the block device or image file whose superblock is set too')
    .action((options: HardenOptions) =>
      run(async (signal) => (await import('../commands/harden/harden.ts')).harden(options, signal)),
    );
}
