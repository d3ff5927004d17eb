import { stat } from 'node:fs/promises';
import { failure, isFailure } from '../../errors.ts';
import { cleanText } from '../../guest/clean-text.ts';
import type { Target } from '../../machine/port.ts';
import { localTarget } from '../../machine/tree.ts';
import { sayFailure } from '../../ui/failure.ts';
import { printResult, say } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import type { WatchResult, WatchVerdict } from '../../watch/document.ts';
import { machineOf } from '../../watch/machine-of.ts';
import { CONFIG_FILE, defaultConfig, type NotifyConfig } from '../../watch/notify/config.ts';
import { watchOnce } from '../../watch/once.ts';
import { openTarget } from '../shared/options.ts';
import { notifyConfig, requireAddresses, type WatchOnceOptions, type WatchOptions } from './options.ts';
import { NAGIOS_STATUS, nagiosLine, prometheusText, watchPage } from './page.ts';
import { watchResult } from './result.ts';

/** The status that the contract has; Nagios has its own. */
const STATUS: Readonly<Record<WatchVerdict, number>> = { ok: 0, warning: 0, alarm: 10 };

/** `mptfix watch once`: every file system of the guest, by all signals. */
export async function once(options: WatchOnceOptions): Promise<number> {
  requireAddresses(options.to);
  if (options.probe && options.root !== undefined)
    throw failure('E_USAGE', '--probe writes to this machine’s own disks', 'leave out --root, or --probe');
  // Where it hangs, this waits without holding up the signal that ends it.
  if (options.root !== undefined) await stat(options.root).catch(() => {});
  const target = openTarget(options, false);
  if (!options.nagios) return run(target, options);
  try {
    return await run(target, options);
  } catch (error) {
    const what = isFailure(error) ? error.failure.what : String(error);
    process.stdout.write(`MPTFIX UNKNOWN - ${cleanText(what, 300).replaceAll('|', '/')}\n`);
    return NAGIOS_STATUS.unknown;
  }
}

async function run(target: Target, options: WatchOnceOptions): Promise<number> {
  const done = await watchOnce(target, { probe: options.probe, notify: await notifier(target, options) });
  const result = watchResult(target.name, done);
  if (options.nagios) process.stdout.write(`${nagiosLine(result)}\n`);
  else printResult(options, result, watchPage(result));
  if (!options.json && !options.nagios) for (const note of result.notes) say(printable(`note: ${note}`));
  if (options.prometheus !== undefined) await writePrometheus(options.prometheus, result);
  return options.nagios ? NAGIOS_STATUS[result.result] : STATUS[result.result];
}

/**
 * Somebody is notified where an address or a configuration says whom; about a tree only where the command line does.
 * The configuration is this machine's. A broken one must not hide an alarm.
 */
export async function notifier(
  target: Target,
  options: WatchOptions,
): Promise<(() => Promise<NotifyConfig>) | undefined> {
  const machine = machineOf(target);
  const isConfigured =
    target.kind === 'local' && (await machine.lstat(options.config ?? CONFIG_FILE)) !== undefined;
  if (options.to === undefined && options.config === undefined && !isConfigured) return undefined;
  return async () => {
    try {
      return await notifyConfig(target, options);
    } catch (error) {
      if (!isFailure(error)) throw error;
      sayFailure(error.failure, false, undefined);
      return { ...defaultConfig(), to: options.to ?? [], kernelLog: target.kind === 'local' };
    }
  };
}

/** The file is most often on a disk that may have failed: that it cannot be written must not hide the alarm. */
async function writePrometheus(path: string, result: WatchResult): Promise<void> {
  const { resolve } = await import('node:path');
  try {
    await localTarget({ dryRun: false }).write(resolve(path), prometheusText(result), { mode: 0o644 });
  } catch (error) {
    say(
      printable(`note: ${path} was not written: ${error instanceof Error ? error.message : String(error)}`),
    );
  }
}
