import { common, type Declare, examples, mutating, overSsh, repeatable } from '../shared/flags.ts';

export const declareHarden: Declare = (program, run) =>
  examples(mutating(overSsh(common(program.command('harden')))), [
    ['mptfix harden', 'show the policies and timeouts, and advice'],
    ['mptfix harden --host root@db1', 'those of a running guest, over ssh; --apply is for the guest itself'],
    ['mptfix harden --apply errors=remount-ro timeout=180', 'as root: set both, for all disks'],
    ['mptfix harden --undo', 'as root: put everything back'],
  ])
    .description('show errors= policies and SCSI timeouts, set them, and put them back')
    .option('--apply <setting...>', 'set errors=remount-ro|continue|panic, timeout=SECONDS, or both')
    .option('--undo', 'put everything back to what it was before the first --apply', false)
    .option('--force', 'with --undo: even what something else has changed since', false)
    .option('--mount-point <folder>', 'only this file system; may be repeated', repeatable)
    .option(
      '--device <path>',
      'with --root: also set (or with --undo put back) the superblock of this block device or image file',
    )
    .action((options) => run(async (signal) => (await import('./harden.ts')).harden(options, signal)));
