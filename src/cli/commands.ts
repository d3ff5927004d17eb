import { join } from 'node:path';
import { Command, Help, type Option } from 'commander';
import { declareApply } from '../commands/apply/declare.ts';
import { declareBuild } from '../commands/build/declare.ts';
import { declareCheck } from '../commands/check/declare.ts';
import { declareDemo } from '../commands/demo/declare.ts';
import { declareDiagnose } from '../commands/diagnose/declare.ts';
import { declareHarden } from '../commands/harden/declare.ts';
import { declarePlan } from '../commands/plan/declare.ts';
import { declareRecover } from '../commands/recover/declare.ts';
import { declareRollback } from '../commands/rollback/declare.ts';
import { type Declare, examples } from '../commands/shared/flags.ts';
import type { Run } from '../commands/shared/options.ts';
import { declareStatus } from '../commands/status/declare.ts';
import { declareVerify } from '../commands/verify/declare.ts';
import { declareWatch } from '../commands/watch/declare.ts';
import { packageRoot, toolVersion } from '../package-root.ts';
import { print } from '../ui/output.ts';

/** Every command, in the order of `--help`. */
const DECLARATIONS: Readonly<Record<string, Declare>> = {
  check: declareCheck,
  plan: declarePlan,
  apply: declareApply,
  build: declareBuild,
  verify: declareVerify,
  status: declareStatus,
  rollback: declareRollback,
  watch: declareWatch,
  recover: declareRecover,
  harden: declareHarden,
  diagnose: declareDiagnose,
  demo: declareDemo,
};

/**
 * The command line; `run` is given the action of the command that it names. Parsing throws CommanderError. A line that
 * begins with the word `first` needs the other commands' declarations only where that is no command.
 */
export function commandLine(run: Run, first = ''): Command {
  const program = new Command('mptfix')
    .description(
      'Finds, patches, proves, installs and rolls back the LSI Fusion MPT driver, which makes a guest’s file systems read-only when a SAN path fails over',
    )
    .version(toolVersion())
    .exitOverride()
    // commander prints errors in a form of its own, and the whole help where a command is missing: `main` prints ours.
    .configureOutput({ writeErr: () => {}, writeOut: print })
    .configureHelp({ optionDescription: withoutFalse })
    .helpCommand('help [command...]', 'the help of a command, such as: mptfix help watch once');
  examples(program, [
    ['mptfix check', 'is this machine affected, and why?'],
    ['mptfix apply --dry-run', 'what would be done about it'],
    ['mptfix apply', 'as root: do it'],
  ]);
  program.addHelpText(
    'after',
    `\nExit statuses: 0 nothing wrong, or done; 10 affected, or a file system that cannot be written; the others:\n  ${join(packageRoot(), 'docs/exit-status.md')}`,
  );
  const named = Object.hasOwn(DECLARATIONS, first) ? DECLARATIONS[first] : undefined;
  const needed = named === undefined ? Object.values(DECLARATIONS) : [named];
  for (const declare of needed) declare(program, run);
  return program;
}

const help = new Help();

/** That an option is off by default goes without saying. */
function withoutFalse(option: Option): string {
  return option.defaultValue === false ? option.description : help.optionDescription(option);
}
