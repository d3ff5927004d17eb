import { ofLayer, regex, SCSI_LEAD } from '../signature.ts';

const STEP = '(?<step>(?:task|device|target|bus|host) (?:abort|reset))';
const WHOSE = String.raw`(?:(?:scsi )?target\d{1,5}:\d{1,5}:\d{1,10}: |(?<adapter>mpt[23]sas(?:_cm)?\d{1,3}): |${SCSI_LEAD})`;
const NUMBERS = String.raw`channel (?<channel>\d{1,5}), id (?<id>\d{1,10}), lun (?<lun>\d{1,20})`;

/** What kernels and adapters, other than the LSI Fusion MPT driver, say when commands run out of time. */
export const RECOVERY_SIGNATURES = ofLayer('scsi', [
  {
    id: 'scsi-recovery-attempt',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: [
      'ttempting task abort',
      'ttempting device reset',
      'ttempting target reset',
      'ttempting bus reset',
      'ttempting host reset',
    ],
    pattern: regex`${WHOSE}attempting ${STEP}!`,
    source: 'mpt2sas_scsih.c and mpt3sas_scsih.c _scsih_abort() and the other reset handlers',
  },
  {
    id: 'scsi-recovery-result',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['task abort: ', 'device reset: ', 'target reset: ', 'bus reset: ', 'host reset: '],
    pattern: regex`${WHOSE}${STEP}: (?<what>SUCCESS|FAILED) scmd\(`,
    source: 'mpt2sas_scsih.c and mpt3sas_scsih.c, the same',
  },
  {
    id: 'scsi-task-abort',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['task abort on host '],
    pattern: regex`(?:pvscsi: |${SCSI_LEAD})(?<step>task abort) on host \d{1,5}, `,
    source: 'vmw_pvscsi.c pvscsi_abort()',
  },
  {
    id: 'scsi-abort-2.4',
    eras: ['2.4'],
    needles: ['aborting command due to timeout'],
    pattern: regex`scsi ?: aborting command due to timeout : pid \d{1,20}, scsi(?<host>\d{1,5}), ${NUMBERS}`,
    source: 'scsi_obsolete.c scsi_old_times_out(), 2.4',
  },
  {
    id: 'scsi-reset-2.4',
    eras: ['2.4'],
    needles: [') timed out - '],
    pattern: regex`SCSI host (?<host>\d{1,5}) (?<step>abort|reset) \(pid \d{1,20}\) timed out - `,
    source: 'scsi_obsolete.c scsi_old_times_out(), 2.4',
  },
  {
    id: 'scsi-bus-reset-2.4',
    eras: ['2.4'],
    needles: ['SCSI bus is being reset'],
    pattern: regex`SCSI bus is being reset for host (?<host>\d{1,5}) channel (?<channel>\d{1,5})`,
    source: 'scsi_obsolete.c scsi_old_reset(), 2.4',
  },
]);
