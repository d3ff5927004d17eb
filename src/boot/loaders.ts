import { bls } from './bls.ts';
import { byHand } from './by-hand.ts';
import {
  type BootEntryKey,
  type BootEntryPlan,
  type BootEntryRequest,
  type BootReads,
  type FileEdit,
  type Loader,
  nothingToEdit,
  problemOfRequest,
} from './entry.ts';
import { grubLegacy } from './grub-legacy.ts';
import { grub2 } from './grub2/loader.ts';

/** The first that the guest has is the one that it boots by: a menu.lst beside a grub.cfg was left from an upgrade. */
const LOADERS: readonly Loader[] = [bls, grub2, grubLegacy, ...byHand];

/**
 * What must be written so that the boot menu offers the old initramfs for a kernel. Reads only. Undefined where no
 * loader is known; a plan without edits where one is, but has no entry that could be copied, and its notes say why.
 */
export async function planBootEntry(
  target: BootReads,
  request: BootEntryRequest,
): Promise<BootEntryPlan | undefined> {
  const problem = problemOfRequest(request);
  for (const loader of LOADERS) {
    const plan = await loader.plan(target, request);
    if (plan !== undefined) return problem === undefined ? plan : nothingToEdit(loader.name, problem);
  }
  return undefined;
}

/** The edits that take an entry away, of whichever loader: none where it is gone already, or was never made. */
export async function removeBootEntryEdits(
  target: BootReads,
  key: BootEntryKey,
): Promise<readonly FileEdit[]> {
  return (await Promise.all(LOADERS.map((loader) => loader.remove(target, key)))).flat();
}
