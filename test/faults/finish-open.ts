import { type Undone, undoneInstallation } from '../../src/install/rollback.ts';
import { installUser } from '../../src/install/user.ts';
import type { Target } from '../../src/machine/port.ts';
import { settle } from '../../src/transaction/settle.ts';

/** What the next command that may write does about installations that were stopped in the middle. */
export async function finishOpen(
  target: Target,
): Promise<readonly { readonly generation: number; readonly how: string; readonly undone: Undone }[]> {
  return (await settle(target, [installUser])).map((one) => {
    if (one.how === 'refused') throw one.error;
    return { generation: one.number, how: one.how, undone: undoneInstallation(one.undone) };
  });
}
