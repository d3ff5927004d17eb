import { type Command, Option } from 'commander';
import { output } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

/** `mptfix demo` with its options. */
export function declareDemo(program: Command, run: Run): void {
  const demo = program
    .command('demo')
    .description('show all of it on a private guest tree made from the distro’s real kernel packages')
    .option('--work <folder>', 'where the private work folder is made (about 1.5 GB)')
    .option('--keep', 'leave the guest tree and the source there to play with', false)
    .addOption(new Option('--no-install-tools', 'do not install build tools that are missing'));
  output(demo).action((options) => run(async (signal) => (await import('./demo.ts')).demo(options, signal)));
}
