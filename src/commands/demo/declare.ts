import { Option } from 'commander';
import { ARCHITECTURES } from '../../architectures.ts';
import { type Declare, examples, output } from '../shared/flags.ts';

export const declareDemo: Declare = (program, run) =>
  examples(output(program.command('demo')), [
    ['mptfix demo', 'check, apply and roll back on a private tree; this machine stays as it is'],
    ['mptfix demo --arch i386', 'the same with a 32-bit guest'],
    ['mptfix demo --keep --work /srv/demo', 'keep the tree in /srv/demo to experiment with'],
  ])
    .description('show the whole cycle on a private guest tree made from the distro’s real kernel packages')
    .option('--work <folder>', 'create the private work folder there (about 1.5 GB)')
    .option('--keep', 'keep the guest tree and the source to experiment with', false)
    .addOption(
      new Option('--arch <name>', 'the architecture of the guest')
        .choices(ARCHITECTURES.map(({ name }) => name))
        .default('x86_64'),
    )
    .addOption(new Option('--no-install-tools', 'do not install missing build tools'))
    .action((options) => run(async (signal) => (await import('./demo.ts')).demo(options, signal)));
