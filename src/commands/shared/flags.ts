import { type Command, Option } from 'commander';
import { PLACEMENTS } from '../../install/placements.ts';

/** What every command has that looks at a guest. */
export function common(command: Command): Command {
  return output(
    command
      .option('--root <folder>', 'a guest’s tree (a mounted image, a chroot) instead of this machine')
      .option('--kernel <release>', 'which kernel of the guest; a tree’s only one is found'),
  );
}

/** How a command shows what it has found. */
export function output(command: Command): Command {
  return command
    .option('--json', 'one JSON document on stdout', false)
    .option('--verbose', 'say more on stderr', false);
}

/** The values of an option that may be given several times, in their order. */
export function repeatable(word: string, all: readonly string[] = []): readonly string[] {
  return [...all, word];
}

/** Where source and headers come from. */
export function building(command: Command): Command {
  return command
    .option(
      '--source <path>',
      'the kernel’s source: tarball, unpacked tree or the driver’s folder; else it is fetched',
    )
    .option(
      '--headers <folder>',
      'the kernel’s build folder (linux-headers-…); else the guest’s own, else it is fetched',
    )
    .option(
      '--whole-tree',
      'configure the whole source as the guest’s kernel, instead of using its headers',
      false,
    )
    .option('--full', 'with --whole-tree: make all its modules (hours), and take the one', false)
    .option('--offline', 'fetch nothing: what is missing is an error', false)
    .option('--work <folder>', 'where the private work folder is made (default /var/tmp)');
}

/** How the module is made. */
export function making(command: Command): Command {
  return command
    .option('--make-var <name=value>', 'a variable for make, such as CC=gcc-11 (repeats)', repeatable)
    .option('--allow-unproven', 'go on although the unchanged source does not give the guest’s module', false)
    .option('--config <file>', 'with --whole-tree: the guest’s .config, where it is not in its /boot')
    .option('--symvers <file>', 'with --whole-tree: the distro’s Module.symvers')
    .option('--sign-key <file>', 'sign the module with this key, by the kernel’s own sign-file')
    .option('--sign-cert <file>', 'the key’s certificate')
    .option('--no-cache', 'neither use nor fill this machine’s cache of builds');
}

/** How it is installed. */
export function installing(command: Command): Command {
  return command
    .addOption(
      new Option('--placement <where>', 'over the package’s module, or beside it in updates/')
        .choices(PLACEMENTS)
        .default('in-place'),
    )
    .option('--no-initramfs', 'leave the initramfs: a reboot would load the old driver from it')
    .option('--boot-entry', 'let the boot menu offer the old initramfs, too', false);
}

/** What every command has that changes a guest. */
export function mutating(command: Command): Command {
  return command
    .option('--yes', 'do not ask', false)
    .option('--dry-run', 'say what would be done, and write nothing', false);
}
