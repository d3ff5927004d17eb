import { Option } from 'commander';
import {
  building,
  changingOverSsh,
  common,
  type Declare,
  examples,
  installing,
  making,
  mutating,
} from '../shared/flags.ts';

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
  examples(mutating(installing(making(building(changingOverSsh(common(program.command('apply'))))))), [
    ['mptfix apply --dry-run', 'what would be done, step by step'],
    [
      'mptfix apply --install-tools --yes',
      'as root: do it without questions, and install the compiler if it is missing',
    ],
    [
      'mptfix apply --root /mnt/guest --source linux-source-3.2.tar.bz2 --offline',
      'a mounted guest, from a source tarball, without the network',
    ],
    [
      'mptfix apply --host root@db1 --host root@db2',
      'two running guests over ssh, one after the other: built here, installed there',
    ],
    [
      'mptfix apply --host root@db1 --bundle out/mptfix-mptscsih-2.6.18-8.el5-x86_64.run',
      'install what mptfix build has made before',
    ],
  ])
    .description('fetch the source, patch it, build the module, prove that it fits, and install it')
    .addOption(
      new Option(
        '--plan <file>',
        'do exactly what this output of mptfix plan --json says; refuse if the guest has changed since',
      ).conflicts(PLANNED),
    )
    .addOption(
      new Option(
        '--bundle <file>',
        'with --host: install this .run file that mptfix build has written, and build nothing',
      ).conflicts([...PLANNED, 'plan', 'toolchain', 'kernel', 'installTools']),
    )
    .option(
      '--install-tools',
      'install missing build tools on this machine (as root, on Debian or Ubuntu)',
      false,
    )
    .action((options) =>
      run(async (signal) =>
        options.host === undefined
          ? (await import('./apply.ts')).apply(options, signal)
          : (await import('./host.ts')).applyToHosts(options, signal),
      ),
    );
