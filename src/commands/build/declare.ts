import { Option } from 'commander';
import { building, common, type Declare, examples, making } from '../shared/flags.ts';

export const declareBuild: Declare = (program, run) =>
  examples(making(building(common(program.command('build')))), [
    ['mptfix build --root /mnt/guest --output out', 'for the guest that is mounted at /mnt/guest'],
    [
      'mptfix build --module mptscsih.ko --headers linux-headers-3.2.0-4-amd64 --source linux-3.2 --output out',
      'from files alone',
    ],
  ])
    .description('build and prove a module for a guest’s tree or a module file, without installing it')
    .option('--module <file>', 'the module as the distro shipped it; replaces --root')
    .requiredOption(
      '--output <folder>',
      'write the module, its bundle (.run), manifest.json and build.log there',
    )
    .option(
      '--sign-bundle <key>',
      'sign the bundle with this ssh key, by ssh-keygen; a key with a passphrase must be in the ssh-agent',
    )
    .addOption(new Option('--only-prepare', 'write the folder that compile.sh takes').hideHelp())
    .addOption(new Option('--contained', 'in a container that is being built: it is the sandbox').hideHelp())
    .addOption(new Option('--compiled <folder>', 'prove what compile.sh has left there').hideHelp())
    .action((options) => run(async (signal) => (await import('./build.ts')).build(options, signal)));
