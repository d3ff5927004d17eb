import type { Signature } from './signature.ts';
import { BLOCK_SIGNATURES, MULTIPATH_SIGNATURES } from './signatures/block.ts';
import { DRIVER_SIGNATURES } from './signatures/driver.ts';
import { EXT_SIGNATURES, JOURNAL_SIGNATURES } from './signatures/ext.ts';
import { HYPERVISOR_SIGNATURES } from './signatures/hypervisor.ts';
import { OTHER_FILE_SYSTEM_SIGNATURES } from './signatures/other-file-systems.ts';
import { RECOVERY_SIGNATURES } from './signatures/recovery.ts';
import { SCSI_SIGNATURES } from './signatures/scsi.ts';

/**
 * Every message that a lost path, the storage's answer BUSY or their consequences leave in a kernel log, from 2.4 to
 * 6.x. Where two fit at one place, the longer match is the message.
 */
export const SIGNATURES: readonly Signature[] = [
  ...DRIVER_SIGNATURES,
  ...SCSI_SIGNATURES,
  ...RECOVERY_SIGNATURES,
  ...BLOCK_SIGNATURES,
  ...MULTIPATH_SIGNATURES,
  ...JOURNAL_SIGNATURES,
  ...EXT_SIGNATURES,
  ...OTHER_FILE_SYSTEM_SIGNATURES,
  ...HYPERVISOR_SIGNATURES,
];
