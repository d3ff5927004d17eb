import { type Command, Option } from 'commander';
import { PLACEMENTS } from '../../install/placements.ts';
import { givenRelease } from '../../names.ts';
import type { Run } from './options.ts';

/** Adds a command with its options to the program; what it does is loaded only when it runs. */
export type Declare = (program: Command, run: Run) => void;

/** A line to type as an example, from `mptfix` on, and what it does. */
export type Example = readonly [line: string, does: string];

/** Ends the command's --help with examples. */
export function examples(command: Command, list: readonly Example[]): Command {
  const lines = list.map(([line, does]) => `  $ ${line}\n      ${does}`);
  return command.addHelpText('after', ['', 'Examples:', ...lines].join('\n'));
}

/** What every command has that looks at a guest. */
export function common(command: Command): Command {
  return output(
    kernel(
      command.option(
        '--root <folder>',
        'look at the guest mounted there (a disk image, a chroot) instead of this machine',
      ),
    ),
  );
}

/** The same for a command that looks at several guests in one run: `options.root` is a list. */
export function commonOfSeveral(command: Command): Command {
  return output(
    kernel(
      command.option(
        '--root <folder>',
        'look at the guest mounted there (a disk image, a chroot) instead of this machine; may be repeated',
        repeatable,
      ),
    ),
  );
}

/** Adds the guests that only ssh reaches, for a command that reads. */
export function overSsh(command: Command): Command {
  return sshOption(
    command.option(
      '--host <[user@]host>',
      'look at the running guest that ssh reaches there; it needs nothing but sh',
    ),
  );
}

/** The same for a command that looks at several guests in one run: `options.host` is a list. */
export function overSshToSeveral(command: Command): Command {
  return sshOption(
    command.option(
      '--host <[user@]host>',
      'look at the running guest that ssh reaches there; it needs nothing but sh; may be repeated',
      repeatable,
    ),
  );
}

/** Adds the guests that a command changes over ssh, one after the other. */
export function changingOverSsh(command: Command): Command {
  return sshOption(
    command.option(
      '--host <[user@]host>',
      'work on the running guest that ssh reaches there, as its root; it needs nothing but sh; may be repeated',
      repeatable,
    ),
  ).option('--fail-fast', 'with several --host: stop at the first one that fails', false);
}

function sshOption(command: Command): Command {
  return command.option(
    '--ssh-option <name=value>',
    'with --host: an option for ssh, as ssh -o takes it, such as Port=2222; may be repeated',
    repeatable,
  );
}

function kernel(command: Command): Command {
  return command.option(
    '--kernel <release>',
    'the kernel to look at; default: the running one, or the only one of a mounted guest',
    givenRelease,
  );
}

/** How a command shows its result. */
export function output(command: Command): Command {
  return command
    .option('--json', 'print one JSON document on stdout', false)
    .option('--verbose', 'print more on stderr', false);
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
      'the kernel’s source: a tarball, an unpacked tree or the driver’s folder; fetched by default',
    )
    .option(
      '--headers <folder>',
      'the kernel’s build folder (linux-headers-…); by default the guest’s own, or fetched',
    )
    .option(
      '--whole-tree',
      'configure the whole source tree as the guest’s kernel, instead of using its headers',
      false,
    )
    .option(
      '--full',
      'with --whole-tree: build all its modules (takes hours) and keep only the one that is needed',
      false,
    )
    .option('--offline', 'fetch nothing; fail if something is missing', false)
    .option(
      '--mirror <url|folder>',
      'fetch packages from there, instead of the archives that the guest names; may be repeated',
      repeatable,
    )
    .option(
      '--mirror-key <file>',
      'a public key that signs packages, beside those of the guest; may be repeated',
      repeatable,
    )
    .option('--sha256 <sum>', 'trust the package that has this SHA-256; may be repeated', repeatable)
    .option('--allow-unsigned', 'take packages that neither a key nor --sha256 vouches for', false)
    .option('--work <folder>', 'create the private work folder there (default: /var/tmp)');
}

/** How the module is built. */
export function making(command: Command): Command {
  return command
    .option(
      '--toolchain <where>',
      'whose compiler builds the module: machine, guest (with --root: the guest’s own gcc and make), the folder of another system, or image:NAME, a container image; default: machine, if its gcc knows kernels of that time',
    )
    .option(
      '--make-var <name=value>',
      'pass a variable to make, such as CC=gcc-11; may be repeated',
      repeatable,
    )
    .option(
      '--allow-unproven',
      'continue even if the unpatched source does not reproduce the guest’s module',
      false,
    )
    .option('--config <file>', 'with --whole-tree: the guest’s .config, if it is not in its /boot')
    .option('--symvers <file>', 'with --whole-tree: the distro’s Module.symvers')
    .option('--sign-key <file>', 'sign the module with this key, by this machine’s openssl')
    .option('--sign-cert <file>', 'the certificate of the key')
    .option('--no-cache', 'do not use or fill this machine’s build cache');
}

/** How the module is installed. */
export function installing(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--placement <where>',
        'replace the package’s module, or put the new one beside it in updates/',
      )
        .choices(PLACEMENTS)
        .default('in-place'),
    )
    .option('--no-initramfs', 'leave the initramfs alone; the next boot may load the old driver from it')
    .option('--boot-entry', 'add a boot menu entry with the old initramfs', false);
}

/** What every command has that changes a guest. */
export function mutating(command: Command): Command {
  return command
    .option('--yes', 'do not ask for confirmation', false)
    .option('--dry-run', 'print what would be done, and write nothing', false);
}
