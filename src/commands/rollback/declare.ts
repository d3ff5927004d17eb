import type { Command } from 'commander';
import { failure } from '../../errors.ts';
import { common, mutating } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

/** `mptfix rollback` with its options. */
export function declareRollback(program: Command, run: Run): void {
  mutating(common(program.command('rollback')))
    .description('put the original module back, byte for byte')
    .option(
      '--to <generation>',
      '0 is what the distro shipped; without it: the state before the newest generation',
      wholeNumber,
    )
    .option('--force', 'also where the module was changed by somebody else since', false)
    .action((options) =>
      run(async (signal) => (await import('./rollback.ts')).rollbackCommand(options, signal)),
    );
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw failure(
    'E_USAGE',
    `--to wants a generation’s number, not ${JSON.stringify(text)}`,
    'mptfix status lists them',
  );
}
