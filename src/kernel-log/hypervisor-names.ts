import { type Names, STATUS } from './result-code.ts';

/** vmk_ScsiHostStatus of VMware's vmkapi (scsi_ext.h); 4, 9 and 10 as in Linux, whose numbers these are. */
export const HOST: Names = {
  0: 'OK',
  1: 'NO_CONNECT',
  2: 'BUS_BUSY',
  3: 'TIMEOUT',
  4: 'BAD_TARGET',
  5: 'ABORT',
  6: 'PARITY',
  7: 'ERROR',
  8: 'RESET',
  9: 'BAD_INTR',
  10: 'PASSTHROUGH',
  11: 'SOFT_ERROR',
  12: 'RETRY',
};

/** vmk_ScsiDeviceStatus: the statuses of SAM, one of them by its older name. */
export const DEVICE: Names = { ...STATUS, 40: 'QUEUE_FULL' };

/** vmk_ScsiPluginStatus; VMware's article 330644. */
export const PLUGIN: Names = {
  0: 'GOOD',
  1: 'TRANSIENT',
  2: 'SNAPSHOT',
  3: 'RESERVATION_LOST',
  4: 'REQUEUE',
  5: 'ATS_MISCOMPARE',
  6: 'THINPROV_BUSY_GROWING',
  7: 'THINPROV_ATQUOTA',
  8: 'THINPROV_NOSPACE',
};

/** SPC-4, table "Sense key descriptions". */
export const SENSE_KEY: Names = {
  0: 'NO SENSE',
  1: 'RECOVERED ERROR',
  2: 'NOT READY',
  3: 'MEDIUM ERROR',
  4: 'HARDWARE ERROR',
  5: 'ILLEGAL REQUEST',
  6: 'UNIT ATTENTION',
  7: 'DATA PROTECT',
  8: 'BLANK CHECK',
  9: 'VENDOR SPECIFIC',
  10: 'COPY ABORTED',
  11: 'ABORTED COMMAND',
  13: 'VOLUME OVERFLOW',
  14: 'MISCOMPARE',
};

interface SenseRow {
  readonly asc: number;
  /** Left out: any. */
  readonly ascq?: number;
  readonly text: string;
}

/** Of T10's list of additional sense codes (asc-num.txt), those that storage behind a hypervisor gives; the first that fits. */
export const SENSE: readonly SenseRow[] = [
  { asc: 0x04, ascq: 0x01, text: 'the logical unit is becoming ready' },
  { asc: 0x04, ascq: 0x02, text: 'the logical unit is not ready: it waits for a start command' },
  { asc: 0x04, ascq: 0x03, text: 'the logical unit is not ready: somebody must see to it' },
  { asc: 0x04, ascq: 0x0a, text: 'the paths change their state (ALUA)' },
  { asc: 0x04, ascq: 0x0b, text: 'the target port is in standby' },
  { asc: 0x04, ascq: 0x0c, text: 'the target port is not available' },
  { asc: 0x04, text: 'the logical unit is not ready' },
  { asc: 0x08, text: 'the logical unit does not communicate' },
  { asc: 0x0c, text: 'a write error' },
  { asc: 0x11, text: 'a read error that could not be recovered' },
  { asc: 0x20, text: 'an unknown command' },
  { asc: 0x24, text: 'a field of the command that the array does not support' },
  { asc: 0x25, text: 'the logical unit does not exist' },
  { asc: 0x27, ascq: 0x07, text: 'the pool of a thin volume has no space left' },
  { asc: 0x27, text: 'the volume is write-protected' },
  { asc: 0x29, text: 'power on, or a reset' },
  { asc: 0x2a, ascq: 0x06, text: 'the paths changed their state (ALUA)' },
  { asc: 0x2a, text: 'parameters changed' },
  { asc: 0x38, ascq: 0x07, text: 'the pool of a thin volume is nearly full' },
  { asc: 0x3f, ascq: 0x0e, text: 'the list of logical units changed' },
  { asc: 0x3f, text: 'the target changed' },
  { asc: 0x44, text: 'an internal failure of the array' },
  { asc: 0x47, text: 'a parity or checksum error on the way' },
  { asc: 0x4b, text: 'a data phase error' },
  { asc: 0x55, text: 'the array has no resources left' },
];
