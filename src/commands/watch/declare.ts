import type { Command } from 'commander';
import { parseDuration } from '../../duration.ts';
import { failure } from '../../errors.ts';
import { type Declare, examples, mutating, repeatable } from '../shared/flags.ts';
import type { WatchOptions } from './options.ts';
import { FOLLOW_FLAGS, ONCE_FLAGS, TELLING_FLAGS, type WatchFlag } from './quick.ts';

export const declareWatch: Declare = (program, run) => {
  const watch = program
    .command('watch')
    .description('notice within a minute that a file system went read-only, and send one mail about it');
  examples(watch, [
    ['mptfix watch once', 'check this machine now'],
    ['mptfix watch install --to admin@example.org', 'as root: check every minute, and mail about it'],
  ]);

  examples(withFlags(watch.command('once').argument('[address...]'), ONCE_FLAGS), [
    ['mptfix watch once', 'check this machine; exit status 10 if a file system cannot be written'],
    ['mptfix watch once admin@example.org', 'and mail this address once per event'],
    ['mptfix watch once --probe --nagios', 'as a Nagios plugin, with a small test file on each file system'],
  ])
    .description('check every file system once; exit status 10 if one cannot be written')
    .action((addresses, options) =>
      run(async () => (await import('./once.ts')).once(withAddresses(addresses, options))),
    );

  examples(withFlags(watch.command('follow').argument('[address...]'), FOLLOW_FLAGS), [
    ['mptfix watch follow', 'print each change of a file system, until SIGTERM'],
    [
      'mptfix watch follow --json --to admin@example.org',
      'NDJSON: one document per line; and a mail about each',
    ],
  ])
    .description(
      'check whenever the kernel logs about a file system; print a line for each change, until SIGTERM',
    )
    .action((addresses, options) =>
      run(async (signal) => (await import('./follow.ts')).follow(withAddresses(addresses, options), signal)),
    );

  examples(withFlags(watch.command('test-mail').argument('[address...]'), TELLING_FLAGS), [
    ['mptfix watch test-mail admin@example.org', 'would an email get out, and which way?'],
    ['mptfix watch test-mail --config /etc/mptfix.json', 'the relay and webhook of this configuration'],
  ])
    .description('send a test through the channels that an alarm would use, and report which one took it')
    .action((addresses, options) =>
      run(async () => (await import('./test-mail.ts')).testMail(withAddresses(addresses, options))),
    );

  examples(mutating(withFlags(watch.command('install').argument('[address...]'), TELLING_FLAGS)), [
    ['mptfix watch install --to admin@example.org', 'as root: check every minute, and mail about it'],
    ['mptfix watch install --every 10m --from-disk --dry-run', 'what would be set up for every ten minutes'],
  ])
    .description('run watch once regularly, by a systemd timer or by cron')
    .option('--every <time>', 'the interval, a part of an hour or a day: 1m, 10m, 1h', interval, 1)
    .option('--probe', 'also write a small file to each file system each time', false)
    .option('--from-disk', 'run from the disk instead of from a copy in memory (saves 130 MB)', false)
    .action((addresses, options) =>
      run(async (signal) =>
        (await import('./install.ts')).install(withAddresses(addresses, options), signal),
      ),
    );

  const uninstall = withFlags(
    watch.command('uninstall'),
    TELLING_FLAGS.filter(({ name }) => name !== 'to' && name !== 'config'),
  );
  examples(mutating(uninstall), [
    ['mptfix watch uninstall --dry-run', 'what would be removed'],
    ['mptfix watch uninstall --yes', 'as root: remove it without questions'],
  ])
    .description('remove the schedule and everything else that the watch keeps')
    .action((options) => run(async (signal) => (await import('./install.ts')).uninstall(options, signal)));

  watch
    .command('load', { hidden: true })
    .description('copy the watch into memory; the schedule runs this after boot')
    .action(() => run(async () => (await import('./install.ts')).load()));
};

/** In minutes; only what a cron line can say: a part of the hour, or of the day. */
function interval(text: string): number {
  const minutes = (parseDuration(text) ?? 0) / 60_000;
  const fits = minutes < 60 ? 60 % minutes === 0 : minutes % 60 === 0 && 1440 % minutes === 0;
  if (Number.isInteger(minutes) && minutes > 0 && fits) return minutes;
  throw failure(
    'E_USAGE',
    `--every cannot be ${JSON.stringify(text)}`,
    'give whole minutes that are a part of an hour or a day: 1m, 5m, 10m, 1h, 6h, 1d',
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

/** An address may be given without --to, too: the article's script takes it as its first argument. */
function withAddresses<Options extends WatchOptions>(
  addresses: readonly string[],
  options: Options,
): Options {
  return addresses.length === 0 ? options : { ...options, to: [...addresses, ...(options.to ?? [])] };
}
