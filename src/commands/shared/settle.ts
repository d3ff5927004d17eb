import { hardenUserOf } from '../../harden/handlers.ts';
import { undoneInstallation } from '../../install/rollback.ts';
import { installUser } from '../../install/user.ts';
import type { Target } from '../../machine/port.ts';
import type { Purpose } from '../../transaction/purpose.ts';
import { type Refused, type Settled, settle } from '../../transaction/settle.ts';
import type { UndoOptions } from '../../transaction/undo.ts';
import { say } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { scheduleUser } from '../../watch/schedule/user.ts';
import { PURPOSE_WORDS } from './interrupted.ts';

/**
 * For a command that holds the lock and is going to write: puts back what interrupted runs have left, and says
 * so. Throws where one of the command's own purpose cannot be put back; that of another purpose is only said.
 */
export async function settleInterrupted(
  target: Target,
  own: Purpose,
  { device, ...options }: UndoOptions & { readonly device?: string | undefined } = {},
): Promise<void> {
  // All that change a guest by transactions.
  const users = [installUser, hardenUserOf(device), scheduleUser];
  for (const one of await settle(target, users, own, options)) say(printable(settledText(one)));
}

function settledText(one: Settled | Refused): string {
  const { purpose, number } = one;
  const what = `${PURPOSE_WORDS[purpose]} was interrupted`;
  if (one.how === 'refused') {
    const subject = number === null ? `it is not known whether ${what}` : `${what} (number ${number})`;
    return `warning: ${subject}: ${one.error.failure.what}; next: ${one.error.failure.next}`;
  }
  const how =
    one.how === 'undone'
      ? `${what}: number ${number} was undone`
      : `the undo of ${PURPOSE_WORDS[purpose]} was interrupted: that of number ${number} was finished`;
  const { left } = undoneInstallation(one.undone);
  const others = left.length === 0 ? '' : `; changed by somebody else since, and left: ${left.join(', ')}`;
  return `${how}, everything is as it was before${others}`;
}
