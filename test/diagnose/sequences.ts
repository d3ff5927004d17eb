/** As a real RHEL 5 GA kernel with its own driver logged it. */
export const DRIVER_BUG = [
  'mptbase: ioc0: IOCStatus(0x0002): Busy',
  'sd 0:0:0:0: SCSI error: return code = 0x00020008',
  'end_request: I/O error, dev sda, sector 1138',
  'Buffer I/O error on device sda, logical block 4904',
  'lost page write due to I/O error on sda',
  'Aborting journal on device sda.',
  'journal commit I/O error',
  'ext3_abort called.',
  'EXT3-fs error (device sda): ext3_journal_start_sb: Detected aborted journal',
  'Remounting filesystem read-only',
] as const;

/** The same with the corrected driver, after 200 s of BUSY. */
export const WINDOW_USED_UP = [
  'sd 0:0:0:0: timing out command, waited 180s',
  'sd 0:0:0:0: SCSI error: return code = 0x00000008',
  ...DRIVER_BUG.slice(2),
] as const;

/** Syslog lines, one a second from `start`, which is `Mmm dd hh:mm:`. */
export function syslog(start: string, messages: readonly string[], host = 'guest1'): string {
  return messages
    .map((text, second) => `${start}${String(second).padStart(2, '0')} ${host} kernel: ${text}\n`)
    .join('');
}
