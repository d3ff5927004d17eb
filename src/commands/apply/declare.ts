import { Option } from 'commander';
import { building, common, type Declare, examples, installing, making, mutating } from '../shared/flags.ts';

/** What a plan has decided already: options that may not stand beside `--plan`. */
const PLANNED: string[] = [
  'source',
  'headers',
  'wholeTree',
  'full',
  'offline',
  'makeVar',
  'allowUnproven',
  'config',
  'symvers',
  'signKey',
  'signCert',
  'placement',
  'initramfs',
  'bootEntry',
];

export const declareApply: Declare = (program, run) =>
  examples(mutating(installing(making(building(common(program.command('apply')))))), [
    ['mptfix apply --dry-run', 'what would be done, step by step'],
    [
      'mptfix apply --install-tools --yes',
      'as root: do it without questions, and install the compiler if it is missing',
    ],
    [
      'mptfix apply --root /mnt/guest --source linux-source-3.2.tar.bz2 --offline',
      'a mounted guest, from a source tarball, without the network',
    ],
  ])
    .description('fetch the source, patch it, build the module, prove that it fits, and install it')
    .addOption(
      new Option(
        '--plan <file>',
        'do exactly what this output of mptfix plan --json says; refuse if the guest has changed since',
      ).conflicts(PLANNED),
    )
    .option(
      '--install-tools',
      'install missing build tools on this machine (as root, on Debian or Ubuntu)',
      false,
    )
    .action((options) => run(async (signal) => (await import('./apply.ts')).apply(options, signal)));
