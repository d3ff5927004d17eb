import type { Command } from 'commander';
import { failure } from '../../errors.ts';
import { common, type Example, examples, mutating } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

const EXAMPLES: readonly Example[] = [
  ['mptfix rollback --dry-run', 'what would be put back'],
  ['mptfix rollback', 'as root: undo the last apply'],
  ['mptfix rollback --to 0 --yes', 'as root: back to what the distro shipped, without questions'],
];

/** `mptfix rollback` with its options. */
export function declareRollback(program: Command, run: Run): void {
  examples(mutating(common(program.command('rollback'))), EXAMPLES)
    .description('put back what apply replaced, byte for byte')
    .option(
      '--to <generation>',
      '0 is what the distro shipped; default: the state before the newest generation',
      wholeNumber,
    )
    .option('--force', 'even if something else has changed the module since', false)
    .action((options) =>
      run(async (signal) => (await import('./rollback.ts')).rollbackCommand(options, signal)),
    );
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw failure(
    'E_USAGE',
    `--to needs the number of a generation, not ${JSON.stringify(text)}`,
    'mptfix status lists them',
  );
}
