import type { Command } from 'commander';
import { building, common, making } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';

/** `mptfix build` with its options. */
export function declareBuild(program: Command, run: Run): void {
  making(building(common(program.command('build'))))
    .description('make and prove a module offline, for a guest’s tree or a module file; installs nothing')
    .option('--module <file>', 'the module as the distro shipped it, instead of --root')
    .requiredOption('--output <folder>', 'where module, manifest.json and build.log are written')
    .action((options) => run(async (signal) => (await import('./build.ts')).build(options, signal)));
}
