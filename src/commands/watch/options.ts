import { resolve } from 'node:path';
import { failure } from '../../errors.ts';
import { traitsOf } from '../../machine/kinds.ts';
import type { Target } from '../../machine/port.ts';
import { typed } from '../../typed.ts';
import { machineOf } from '../../watch/machine-of.ts';
import { isAddress } from '../../watch/notify/address.ts';
import { type NotifyConfig, readConfig, type UsableConfig, usableConfig } from '../../watch/notify/config.ts';
import type { CommonOptions } from '../shared/options.ts';

export interface WatchOptions extends Pick<CommonOptions, 'root' | 'json' | 'verbose'> {
  readonly to?: readonly string[];
  readonly config?: string;
}

export interface WatchOnceOptions extends WatchOptions {
  readonly nagios: boolean;
  readonly prometheus?: string;
  readonly probe: boolean;
}

/**
 * This machine's configuration, for a notice that goes out now: with the addresses of the command line in place of its
 * own. About a tree nothing is written to a kernel's log: this machine's has nothing to do with it.
 */
export async function notifyConfig(target: Target, options: WatchOptions): Promise<NotifyConfig> {
  const config = await scheduledConfig(machineOf(target), options);
  return traitsOf(target).isHere ? config : { ...config, kernelLog: false };
}

/** The same for who watches: whatever can be used of it, and what is wrong with it. */
export async function watchConfig(target: Target, options: WatchOptions): Promise<UsableConfig> {
  const { config, problem } = await usableConfig(machineOf(target), options.config);
  const to = options.to ?? config.to;
  return { config: { ...config, to, kernelLog: config.kernelLog && traitsOf(target).isHere }, problem };
}

/** The configuration that a schedule of the guest would use: of a tree its own, which nothing is done with but to check it. */
export async function scheduledConfig(guest: Target, options: WatchOptions): Promise<NotifyConfig> {
  const config = await readConfig(guest, options.config);
  return options.to === undefined ? config : { ...config, to: options.to };
}

/**
 * The options with whole paths: a schedule starts the watch in another folder. Throws E_USAGE where an address is none.
 */
export function checkedOptions<Options extends WatchOptions>(options: Options): Options {
  requireAddresses(options.to ?? []);
  return options.config === undefined ? options : { ...options, config: resolve(options.config) };
}

function requireAddresses(addresses: readonly string[]): void {
  for (const address of addresses) {
    if (!isAddress(address))
      throw failure(
        'E_USAGE',
        `not a mail address: ${JSON.stringify(address)}`,
        `write it as in ${typed('watch once', ['--to', 'admin@example.org'])}`,
      );
  }
}

/** Throws E_USAGE, with what to type instead, where nobody would be notified. */
export function requireReader({ to, webhook }: NotifyConfig, next: string): void {
  if (to.length === 0 && webhook === undefined)
    throw failure('E_USAGE', 'nobody is named to be notified', next);
}
