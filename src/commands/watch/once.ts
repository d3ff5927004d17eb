import { stat } from 'node:fs/promises';
import { EXIT_STATUS, failure } from '../../errors.ts';
import { traitsOf } from '../../machine/kinds.ts';
import type { Target } from '../../machine/port.ts';
import { localTarget } from '../../machine/tree.ts';
import { sayFailure } from '../../ui/failure.ts';
import { printResult, say } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import type { WatchResult, WatchVerdict } from '../../watch/document.ts';
import { machineOf } from '../../watch/machine-of.ts';
import { CONFIG_FILE, type UsableConfig } from '../../watch/notify/config.ts';
import { watchOnce } from '../../watch/once.ts';
import { openTarget } from '../shared/options.ts';
import { nagiosLine, nagiosStatus } from './nagios.ts';
import { checkedOptions, type WatchOnceOptions, type WatchOptions, watchConfig } from './options.ts';
import { prometheusText, watchPage } from './page.ts';
import { watchResult } from './result.ts';

/** The status that the contract has; Nagios has its own. */
const STATUS: Readonly<Record<WatchVerdict, number>> = { ok: 0, warning: 0, alarm: 10 };

/** `mptfix watch once`: every file system of the guest, by all signals. */
export async function once(given: WatchOnceOptions): Promise<number> {
  const options = checkedOptions(given);
  if (options.probe && options.root !== undefined)
    throw failure('E_USAGE', '--probe writes to this machine’s own disks', 'leave out --root, or --probe');
  // Where it hangs, this waits without holding up the signal that ends it.
  if (options.root !== undefined) await stat(options.root).catch(() => {});
  const target = openTarget(options, false);
  return lookAndTell(target, options);
}

/** One look, all that it says, and the exit status. */
export async function lookAndTell(target: Target, options: WatchOnceOptions): Promise<number> {
  const done = await watchOnce(target, { probe: options.probe, notify: await notifier(target, options) });
  const result = watchResult(target.name, done);
  const { problem } = done;
  if (options.nagios && !options.json) process.stdout.write(`${nagiosLine(result)}\n`);
  else printResult(options, result, watchPage(result));
  if (problem !== undefined) sayFailure(problem, false, undefined);
  if (!options.json && !options.nagios) for (const note of result.notes) say(printable(`note: ${note}`));
  if (options.prometheus !== undefined) await writePrometheus(options.prometheus, result);
  if (options.nagios) return nagiosStatus(result);
  return STATUS[result.result] || (problem === undefined ? 0 : EXIT_STATUS[problem.code]);
}

/**
 * Somebody is notified where an address or a configuration says whom; about a tree only where the command line does.
 * The configuration is this machine's. A broken one must not hide an alarm.
 */
export async function notifier(
  target: Target,
  options: WatchOptions,
): Promise<(() => Promise<UsableConfig | undefined>) | undefined> {
  const machine = machineOf(target);
  const isConfigured =
    traitsOf(target).isHere && (await machine.lstat(options.config ?? CONFIG_FILE)) !== undefined;
  if (options.to === undefined && options.config === undefined && !isConfigured) return undefined;
  return async () => {
    const found = await watchConfig(target, options);
    // A look by a user: the notices are root's, who may read whom to send them to.
    if (found.problem?.code !== 'E_NOT_ROOT' || options.config !== undefined) return found;
    say(printable(`note: nobody is notified: ${found.problem.what}`));
    return undefined;
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
