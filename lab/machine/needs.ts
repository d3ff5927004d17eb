import type { Needed } from '../../scripts/install-missing.ts';

/** What every machine of the lab is made with. */
export const MACHINE_NEEDS: readonly Needed[] = [
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['busybox', 'busybox'],
  ['cpio', 'cpio'],
  ['setpriv', 'util-linux'],
];
