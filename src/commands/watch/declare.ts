import type { Command } from 'commander';
import type { Act } from '../../cli.ts';
import type { WatchOnceOptions } from './options.ts';
import { ONCE_FLAGS, type WatchFlag } from './quick.ts';

type Run = (act: Act) => Promise<void>;

/** `mptfix watch …`: the commands with their options. */
export function declareWatch(program: Command, run: Run): void {
  const watch = program
    .command('watch')
    .description('know within a minute that a file system went read-only, and tell the right person once');

  withFlags(watch.command('once').argument('[address...]'), ONCE_FLAGS)
    .description('look at every file system once; exit status 10 where one cannot be written')
    .action((addresses: readonly string[], options: WatchOnceOptions) =>
      run(async () => (await import('./once.ts')).once(withAddresses(addresses, options))),
    );
}

function withFlags(command: Command, flags: readonly WatchFlag[]): Command {
  for (const { name, value, repeats, description } of flags) {
    if (value === undefined) command.option(`--${name}`, description, false);
    else if (repeats === undefined) command.option(`--${name} <${value}>`, description);
    else
      command.option(`--${name} <${value}>`, description, (word: string, all: readonly string[] = []) => [
        ...all,
        word,
      ]);
  }
  return command;
}

/** The article's script takes the address as its first argument. */
function withAddresses<Options extends { readonly to?: readonly string[] }>(
  addresses: readonly string[],
  options: Options,
): Options {
  return addresses.length === 0 ? options : { ...options, to: [...addresses, ...(options.to ?? [])] };
}
