import { DEVICE, endOf, ofLayer, regex, SCSI_ADDRESS, SCSI_LEAD } from '../signature.ts';

const WORD_END = endOf(String.raw`\w`);
const OLD_ADDRESS = String.raw`host (?<host>\d{1,5}) channel (?<channel>\d{1,5}) id (?<id>\d{1,10}) lun (?<lun>\d{1,20})`;

const SENSE_KEYS =
  'Recovered Error|Not Ready|Medium Error|Hardware Error|Illegal Request|Unit Attention|Data Protect|Aborted Command|Volume Overflow|Miscompare';

/** print_sense_internal(): `[valid=0] Info fld=0x0, `, `FMK EOM ILI `, `sda: `, `Current sd08:01: `. */
const SENSE_LEAD = String.raw`(?:\[valid=0\] )?(?:Info fld=0x[\da-f]{1,16},? )?(?:(?:FMK|EOM|ILI) ){0,3}(?:[\w:-]{1,32}: )?(?:Current|Deferred) ?(?:[\w:]{1,32}: ?|: )`;

/** drivers/scsi: the SCSI midlayer. `code` is the command's whole result; `hostbyte` and `driverbyte` parts of it. */
export const SCSI_SIGNATURES = ofLayer('scsi', [
  {
    id: 'scsi-return-code-2.4',
    eras: ['2.4'],
    needles: ['return code = '],
    pattern: regex`SCSI \w{1,16} error : ${OLD_ADDRESS} return code = (?:0x)?(?<code>[\da-fA-F]{1,8}?)${WORD_END}`,
    source: 'scsi_lib.c scsi_io_completion(), 2.4',
  },
  {
    id: 'scsi-return-code-rhel4',
    eras: ['2.6'],
    needles: ['return code = '],
    // The address in angle brackets is lost where a log went through a web page.
    pattern: regex`SCSI [Ee]rror ?: (?:<?(?<host>\d{1,5}) (?<channel>\d{1,5}) (?<id>\d{1,10}) (?<lun>\d{1,20})>? )?return code = 0x(?<code>[\da-fA-F]{1,8}?)${WORD_END}`,
    source: 'scsi_lib.c scsi_io_completion(), 2.6.0 to 2.6.13 and RHEL 4',
  },
  {
    id: 'scsi-return-code',
    eras: ['2.6'],
    needles: ['return code = '],
    pattern: regex`${SCSI_ADDRESS}: SCSI error: return code = 0x(?<code>[\da-fA-F]{1,8}?)${WORD_END}`,
    source: 'scsi_lib.c scsi_io_completion(), 2.6.14 to 2.6.22 (eight digits from 2.6.18)',
  },
  {
    id: 'scsi-result',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['Result: hostbyte='],
    pattern: regex`${SCSI_LEAD}(?:(?:FAILED|[A-Z_]{1,32}|UNKNOWN\(0x[\da-f]{1,8}\)) )?Result: hostbyte=(?<hostbyte>\w{1,40}) driverbyte=(?<driverbyte>\w{1,40}?)${WORD_END}(?:,(?<suggest>\w{1,40}?)${WORD_END})?(?: cmd_age=(?<seconds>\d{1,10})s)?`,
    source:
      'constants.c scsi_print_result() from 2.6.22, scsi_logging.c from 3.19; SUGGEST_… to 2.6.27, cmd_age from 5.4; numbers without CONFIG_SCSI_CONSTANTS',
  },
  {
    id: 'scsi-timing-out',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['timing out command'],
    pattern: regex`${SCSI_LEAD}timing out command, waited (?<seconds>\d{1,10})s`,
    source:
      'scsi_lib.c scsi_softirq_done() from 2.6.14, scsi_complete() later: (allowed + 1) × timeout is over',
  },
  {
    id: 'scsi-unhandled',
    eras: ['2.6', '3'],
    needles: ['Unhandled error code', 'Unhandled sense code'],
    pattern: regex`${SCSI_LEAD}Unhandled (?<what>error|sense) code`,
    source: 'scsi_lib.c scsi_io_completion(), 2.6.30 to 3.16',
  },
  {
    id: 'scsi-cdb',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: [
      ...['Write', 'Read', 'Synchronize', 'Test Unit', 'Unmap', 'Inquiry'].map((name) => `CDB: ${name}`),
      'CDB: cdb[0]=',
    ],
    pattern: regex`${SCSI_ADDRESS}: {1,2}\[(?<device>${DEVICE})\] {1,2}(?:tag#\d{1,10} )?CDB: (?:cdb\[0\]=0x[\da-f]{2}|[A-Z][\w /]{1,40}(?:\(\d{1,2}\))?):? (?:[\da-f]{2}\b ){0,32}`,
    source: 'constants.c scsi_print_command() from 2.6.22, scsi_logging.c from 3.19: the command that failed',
  },
  {
    id: 'scsi-attached',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['] Attached SCSI'],
    pattern: regex`${SCSI_ADDRESS}: \[(?<device>${DEVICE})\] Attached SCSI (?:removable )?disk`,
    source: 'sd.c sd_probe_async(), from 2.6.22: at each boot, which disk has which address',
  },
  {
    id: 'scsi-attached-old',
    eras: ['2.4', '2.6'],
    needles: ['Attached scsi'],
    pattern: regex`Attached scsi (?:removable )?disk (?<device>${DEVICE}) at scsi(?<host>\d{1,5}), channel (?<channel>\d{1,5}), id (?<id>\d{1,10}), lun (?<lun>\d{1,20})`,
    source: 'sd.c sd_attach(), 2.4, and sd_probe() to 2.6.13',
  },
  {
    id: 'scsi-attached-2.6',
    eras: ['2.6'],
    needles: ['Attached scsi'],
    pattern: regex`${SCSI_ADDRESS}: Attached scsi (?:removable )?disk (?<device>${DEVICE})`,
    source: 'sd.c sd_probe(), 2.6.14 to 2.6.21',
  },
  {
    id: 'scsi-rejecting',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['rejecting I/O to'],
    pattern: regex`${SCSI_LEAD}rejecting I/O to (?<what>offline device|dead device|device being removed)`,
    source: 'scsi_lib.c scsi_prep_state_check(), scsi_device_state_check()',
  },
  {
    id: 'scsi-rejecting-rhel4',
    eras: ['2.6'],
    needles: ['rejecting I/O to'],
    pattern: regex`scsi(?<host>\d{1,5}) \((?<id>\d{1,10}):(?<lun>\d{1,20})\): rejecting I/O to (?<what>offline device|dead device|device being removed)`,
    source: 'scsi_lib.c scsi_prep_fn(), 2.6.0 to 2.6.13 and RHEL 4',
  },
  {
    id: 'scsi-offlined',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['Device offlined - '],
    pattern: regex`${SCSI_LEAD}(?:scsi: )?Device offlined - not ready after error recovery(?:: ${OLD_ADDRESS})?`,
    source: 'scsi_error.c scsi_eh_offline_sdevs()',
  },
  {
    id: 'scsi-offlined-2.4',
    eras: ['2.4'],
    needles: ['device set offline'],
    pattern: regex`scsi: device set offline - (?<what>[a-z ]{1,80}): ${OLD_ADDRESS}`,
    source: 'scsi_error.c scsi_unjam_host(), 2.4',
  },
  {
    id: 'scsi-sense',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['Sense Key : '],
    pattern: regex`${SCSI_LEAD}Sense Key : (?<what>\w[\w ]{1,30}?) \[(?:current|deferred)\]`,
    source: 'constants.c scsi_print_sense_hdr() from 2.6.22, scsi_logging.c from 3.19',
  },
  {
    id: 'scsi-sense-old',
    eras: ['2.4', '2.6'],
    needles: [': sense key'],
    pattern: regex`${SENSE_LEAD}sense key:? (?<what>${SENSE_KEYS})\b`,
    source: 'constants.c print_sense_internal(), 2.4 and 2.6.0 to 2.6.21',
  },
]);
