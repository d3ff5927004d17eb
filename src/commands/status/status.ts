import { mappedLoader, runAgain } from '../../boot/mapped.ts';
import { EXIT_STATUS, failure } from '../../errors.ts';
import { prunable, prune } from '../../install/prune.ts';
import type { GuestStatus } from '../../status/document.ts';
import { guestStatus } from '../../status/status.ts';
import { lockGuest, whileLocked } from '../../transaction/lock.ts';
import { leftovers } from '../../transaction/store.ts';
import { typed } from '../../typed.ts';
import { printResult, say, size } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { confirm } from '../../ui/prompt.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type CommonOptions, type MutatingOptions, openTarget } from '../shared/options.ts';
import { eachRoot, lookAtEach, type SeveralLooks, type WithRoots } from '../shared/several.ts';
import { statusCells, statusPage } from './page.ts';

export interface StatusOptions extends CommonOptions, MutatingOptions {
  readonly prune: boolean;
}

/** `mptfix status`: what is installed, loaded and in the initramfs, and whether they agree. Without --prune it only reports. */
export async function status(options: WithRoots<StatusOptions>, signal: AbortSignal): Promise<number> {
  const guests = eachRoot(options);
  const [first, ...others] = guests;
  if (first === undefined || others.length > 0) return statusOfEach(options, guests, signal);
  if (first.prune && first.host !== undefined)
    throw failure('E_USAGE', 'over ssh status only reads: it removes nothing', typed('status', ['--prune']));
  if (first.prune) await pruneKept(first, signal);
  const result = await look(first);
  printResult(options, result, statusPage(result));
  return exitStatusOf(result);
}

async function statusOfEach(
  options: WithRoots<StatusOptions>,
  guests: readonly StatusOptions[],
  signal: AbortSignal,
): Promise<number> {
  if (options.prune) throw failure('E_USAGE', '--prune works on one guest', 'give one --root');
  const looks: SeveralLooks<StatusOptions, GuestStatus, 'mptfix.statuses/1'> = {
    schema: 'mptfix.statuses/1',
    guests,
    heads: ['state', 'kernel', 'driver', 'initramfs', 'reboot'],
    look: async (guest) => {
      const output = await look(guest);
      return { output, exitStatus: exitStatusOf(output), cells: statusCells(output) };
    },
  };
  return lookAtEach(looks, options, signal);
}

/** What this user could not see, or what nothing tells of, is not known to be well. */
function exitStatusOf({ state, noModule }: GuestStatus): number {
  return state === 'unknown' || noModule?.place === 'unknown' ? EXIT_STATUS.E_CANNOT_DECIDE : 0;
}

async function look(guest: StatusOptions): Promise<GuestStatus> {
  await reportInterrupted(guest);
  const target = openTarget(guest, true);
  const result: GuestStatus = await guestStatus(target, guest.kernel);
  for (const path of result.unseen.length > 0 ? [] : await leftovers(target, 'install'))
    say(`${JSON.stringify(path.slice(0, 300))} is no generation of mptfix, and is left as it is`);
  return result;
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
    if (kept.length === 0) return;
    const loader = await mappedLoader(target);
    if (loader !== undefined) say(printable(`warning: ${runAgain(loader, false)}`));
    if (options.dryRun) return;
    await confirm('a rollback can still put it back, but the boot menu no longer offers it', options, signal);
    for (const one of kept) await prune(target, one);
  });
}
