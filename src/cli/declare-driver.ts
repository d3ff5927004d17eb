import type { Command } from 'commander';
import { building, common, installing, making, mutating } from '../commands/shared/flags.ts';
import type { Run } from '../commands/shared/options.ts';
import { failure } from '../errors.ts';

/** The commands about the driver, with their options; each is loaded when it is run. */
export function declareDriver(program: Command, run: Run): void {
  common(program.command('check'))
    .description('tell whether the guest’s driver turns BUSY into an I/O error, and why')
    .option('--source <path>', 'judge a source file, a driver’s folder, a kernel tree or a tarball alone')
    .option('--module <file>', 'judge a module file alone')
    .action((options) =>
      run(async (signal) => (await import('../commands/check/check.ts')).check(options, signal)),
    );

  installing(making(building(common(program.command('plan')))))
    .description('say what apply would do, and do nothing')
    .action((options) => run(async () => (await import('../commands/plan/plan.ts')).plan(options)));

  mutating(installing(making(building(common(program.command('apply'))))))
    .description('fetch the source, patch it, build the module, prove it, install it')
    .option(
      '--install-tools',
      'as root on Debian or Ubuntu, install build tools that are missing on this machine',
      false,
    )
    .action((options) =>
      run(async (signal) => (await import('../commands/apply/apply.ts')).apply(options, signal)),
    );

  making(building(common(program.command('build'))))
    .description('make and prove a module offline, for a guest’s tree or a module file; installs nothing')
    .option('--module <file>', 'the module as the distro shipped it, instead of --root')
    .requiredOption('--output <folder>', 'where module, manifest.json and build.log are written')
    .action((options) =>
      run(async (signal) => (await import('../commands/build/build.ts')).build(options, signal)),
    );

  mutating(common(program.command('status')))
    .description('say what is installed, loaded and in the initramfs, and whether they agree')
    .option('--prune', 'take the kept old initramfs images out of /boot and of the boot menu', false)
    .action((options) =>
      run(async (signal) => (await import('../commands/status/status.ts')).status(options, signal)),
    );

  mutating(common(program.command('rollback')))
    .description('put the original module back, byte for byte')
    .option(
      '--to <generation>',
      '0 is what the distro shipped; without it: the state before the newest generation',
      wholeNumber,
    )
    .option('--force', 'also where the module was changed by somebody else since', false)
    .action((options) =>
      run(async (signal) =>
        (await import('../commands/rollback/rollback.ts')).rollbackCommand(options, signal),
      ),
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
