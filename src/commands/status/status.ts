import { prunable, prune } from '../../install/prune.ts';
import type { GuestStatus } from '../../status/document.ts';
import { guestStatus } from '../../status/status.ts';
import { lockGuest, whileLocked } from '../../transaction/lock.ts';
import { leftovers } from '../../transaction/store.ts';
import { printResult, say, size } from '../../ui/output.ts';
import { confirm } from '../../ui/prompt.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type CommonOptions, type MutatingOptions, openTarget } from '../shared/options.ts';
import { statusPage } from './page.ts';

export interface StatusOptions extends CommonOptions, MutatingOptions {
  readonly prune: boolean;
}

/** `mptfix status`: what is installed, loaded and in the initramfs, and whether they agree. Without --prune it only reports. */
export async function status(options: StatusOptions, signal: AbortSignal): Promise<number> {
  if (options.prune) await pruneKept(options, signal);
  await reportInterrupted(options);
  const target = openTarget(options, true);
  const result: GuestStatus = await guestStatus(target, options.kernel);
  for (const path of await leftovers(target, 'install'))
    say(`${JSON.stringify(path.slice(0, 300))} is no generation of mptfix, and is left as it is`);
  printResult(options, result, statusPage(result));
  return 0;
}

async function pruneKept(options: StatusOptions, signal: AbortSignal): Promise<void> {
  const target = openTarget(options, options.dryRun);
  const { kernel } = await guestStatus(target, options.kernel);
  return whileLocked(lockGuest(target), async () => {
    const kept = await prunable(target, kernel.release);
    for (const { fallback, size: bytes } of kept)
      say(
        `${options.dryRun ? 'would be removed' : 'will be removed'} from the boot menu and /boot: ${fallback} (${size(bytes)})`,
      );
    if (kept.length === 0) say('no old initramfs is kept in /boot');
    if (options.dryRun || kept.length === 0) return;
    await confirm('a rollback can still put it back, but the boot menu no longer offers it', options, signal);
    for (const one of kept) await prune(target, one);
  });
}
