import type { Command } from 'commander';
import { failure } from '../../errors.ts';
import { mutating, repeatable } from '../shared/flags.ts';
import type { Run } from '../shared/options.ts';
import type { WatchInstallOptions } from './install.ts';
import type { WatchOnceOptions, WatchOptions } from './options.ts';
import { ONCE_FLAGS, TELLING_FLAGS, type WatchFlag } from './quick.ts';

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

  withFlags(watch.command('follow').argument('[address...]'), TELLING_FLAGS)
    .description('look whenever the kernel speaks of a file system; a line for each change, until SIGTERM')
    .action((addresses: readonly string[], options: WatchOptions) =>
      run(async (signal) => (await import('./follow.ts')).follow(withAddresses(addresses, options), signal)),
    );

  withFlags(watch.command('test-mail').argument('[address...]'), TELLING_FLAGS)
    .description('send a test by the channels that an alarm would take, and say which one took it')
    .action((addresses: readonly string[], options: WatchOptions) =>
      run(async () => (await import('./test-mail.ts')).testMail(withAddresses(addresses, options))),
    );

  mutating(withFlags(watch.command('install').argument('[address...]'), TELLING_FLAGS))
    .description('have watch once run regularly: by a systemd timer, else by cron')
    .option('--every <time>', 'minutes or hours: 1m, 10m, 1h', interval, 1)
    .option('--probe', 'also write a small file on each file system each time', false)
    .option('--from-disk', 'run from the disk instead of a copy in memory (saves 130 MB)', false)
    .action((addresses: readonly string[], options: WatchInstallOptions) =>
      run(async (signal) =>
        (await import('./install.ts')).install(withAddresses(addresses, options), signal),
      ),
    );

  mutating(
    withFlags(
      watch.command('uninstall'),
      TELLING_FLAGS.filter(({ name }) => name !== 'to' && name !== 'config'),
    ),
  )
    .description('take the schedule away, and all that the watch keeps')
    .action((options: WatchInstallOptions) =>
      run(async (signal) => (await import('./install.ts')).uninstall(options, signal)),
    );

  watch
    .command('load', { hidden: true })
    .description('put a copy of the watch into memory; the schedule does it after boot')
    .action(() => run(async () => (await import('./install.ts')).load()));
}

/** In minutes; only what a cron line can say: a part of the hour, or of the day. */
function interval(text: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,4})(m|h)$/.exec(text) ?? [];
  const minutes = Number(amount) * (unit === 'h' ? 60 : 1);
  const fits =
    minutes > 0 && (minutes < 60 ? 60 % minutes === 0 : minutes % 60 === 0 && 1440 % minutes === 0);
  if (amount !== '' && fits) return minutes;
  throw failure(
    'E_USAGE',
    `--every does not take ${JSON.stringify(text)}`,
    'give a part of an hour or a day: 1m, 5m, 10m, 1h, 6h',
  );
}

function withFlags(command: Command, flags: readonly WatchFlag[]): Command {
  for (const { name, value, repeats, description } of flags) {
    if (value === undefined) command.option(`--${name}`, description, false);
    else if (repeats === undefined) command.option(`--${name} <${value}>`, description);
    else command.option(`--${name} <${value}>`, description, repeatable);
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
