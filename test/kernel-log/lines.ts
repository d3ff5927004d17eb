import type { Line } from './line.ts';
import { FILE_SYSTEM_LINES } from './lines-file-systems.ts';
import { HYPERVISOR_LINES } from './lines-hypervisor.ts';
import { RECOVERY_LINES } from './lines-recovery.ts';
import { STORAGE_LINES } from './lines-storage.ts';

/** Lines of all eras, each with all that must be read from it. */
export const LINES: readonly Line[] = [
  ...STORAGE_LINES,
  ...RECOVERY_LINES,
  ...FILE_SYSTEM_LINES,
  ...HYPERVISOR_LINES,
];
