import type { Command } from 'commander';
import { building, common, type Example, examples, installing, making, mutating } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

const EXAMPLES: readonly Example[] = [
  ['mptfix apply --dry-run', 'what would be done, step by step'],
  [
    'mptfix apply --install-tools --yes',
    'as root: do it without questions, and install the compiler if it is missing',
  ],
  [
    'mptfix apply --root /mnt/guest --source linux-source-3.2.tar.bz2 --offline',
    'a mounted guest, from a source tarball, without the network',
  ],
];

/** `mptfix apply` with its options. */
export function declareApply(program: Command, run: Run): void {
  examples(mutating(installing(making(building(common(program.command('apply')))))), EXAMPLES)
    .description('fetch the source, patch it, build the module, prove that it fits, and install it')
    .option(
      '--install-tools',
      'install missing build tools on this machine (as root, on Debian or Ubuntu)',
      false,
    )
    .action((options) => run(async (signal) => (await import('./apply.ts')).apply(options, signal)));
}
