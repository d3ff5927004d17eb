import { failure } from '../../errors.ts';
import { generationNumber } from '../../names.ts';
import { typed } from '../../typed.ts';
import { changingOverSsh, common, type Declare, examples, mutating } from '../shared/flags.ts';

export const declareRollback: Declare = (program, run) =>
  examples(mutating(changingOverSsh(common(program.command('rollback')))), [
    ['mptfix rollback --dry-run', 'what would be put back'],
    ['mptfix rollback', 'as root: undo the last apply'],
    [
      'mptfix rollback --to 0 --yes',
      'as root: back to what was there before the first apply, without questions',
    ],
    ['mptfix rollback --host root@db1', 'a running guest over ssh, whoever has installed there'],
  ])
    .description('put back what apply replaced, byte for byte')
    .option(
      '--to <generation>',
      '0 is what was there before the first apply; default: the state before the newest generation',
      wholeNumber,
    )
    .option('--force', 'even if something else has changed the module since', false)
    .action((options) =>
      run(async (signal) =>
        options.host === undefined
          ? (await import('./rollback.ts')).rollbackCommand(options, signal)
          : (await import('./host.ts')).rollbackOnHosts(options, signal),
      ),
    );

function wholeNumber(text: string): number {
  const number = text === '0' ? 0 : generationNumber(text);
  if (number !== undefined) return number;
  throw failure(
    'E_USAGE',
    `--to needs the number of a generation, not ${JSON.stringify(text.slice(0, 80))}`,
    `${typed('status')} lists them`,
  );
}
