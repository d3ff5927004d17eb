import { commonOfSeveral, type Declare, examples, mutating, overSshToSeveral } from '../shared/flags.ts';

export const declareStatus: Declare = (program, run) =>
  examples(mutating(overSshToSeveral(commonOfSeveral(program.command('status')))), [
    ['mptfix status', 'this machine'],
    ['mptfix status --root /mnt/a --root /mnt/b', 'two mounted guests in one table'],
    ['mptfix status --host root@db1', 'a running guest, over ssh; it needs no Node'],
    ['mptfix status --prune --dry-run', 'which old initramfs images --prune would remove'],
  ])
    .description('show which driver is installed, loaded and in the initramfs, and whether they agree')
    .option('--prune', 'remove the old initramfs images that apply kept from /boot and the boot menu', false)
    .action((options) => run(async (signal) => (await import('./status.ts')).status(options, signal)));
