import { ofLayer, regex } from '../signature.ts';

const IOC = String.raw`(?<adapter>ioc\d{1,4}): `;

/** drivers/message/fusion: what the LSI Fusion MPT driver itself says. */
export const DRIVER_SIGNATURES = ofLayer('driver', [
  {
    id: 'mpt-iocstatus',
    eras: ['2.6'],
    needles: ['IOCStatus(0x'],
    pattern: regex`mptbase: ${IOC}IOCStatus\((?<code>0x[\da-fA-F]{4})\): `,
    tail: true,
    source: 'mptbase.c mpt_sp_ioc_info() or mpt_iocstatus_info(), 2.6.14 to 2.6.21',
  },
  {
    id: 'mpt-loginfo',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: [' LogInfo(0x'],
    pattern: regex`mptbase: ${IOC}(?:WARNING - )?LogInfo\((?<code>0x[\da-fA-F]{8})\): `,
    tail: true,
    source: 'mptbase.c mpt_fc_log_info(), mpt_spi_log_info(), mpt_sas_log_info()',
  },
  {
    id: 'mpt-recovery-attempt',
    eras: ['2.4', '2.6', '3', '4', '5', '6'],
    needles: [
      'ttempting task abort',
      'ttempting target reset',
      'ttempting bus reset',
      'ttempting host reset',
    ],
    pattern: regex`mpt(?:scsih|scsi|sas|spi|fc): ${IOC}(?:>> )?[Aa]ttempting (?<step>(?:task|target|bus|host) (?:abort|reset))!`,
    source: 'mptscsih.c mptscsih_abort(), mptscsih_dev_reset(), mptscsih_bus_reset(), mptscsih_host_reset()',
  },
  {
    id: 'mpt-recovery-result',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['task abort: ', 'target reset: ', 'bus reset: ', 'host reset: '],
    pattern: regex`mpt(?:scsih|scsi|sas|spi|fc): ${IOC}(?<step>(?:task|target|bus|host) (?:abort|reset)): (?<what>SUCCESS|FAILED)`,
    source: 'mptscsih.c mptscsih_abort() and the other reset handlers',
  },
  {
    id: 'mpt-fault',
    eras: ['2.4', '2.6', '3', '4', '5', '6'],
    needles: ['IOC is in FAULT'],
    pattern: regex`mptbase: ${IOC}(?:(?:WARNING|ERROR) - )?IOC is in FAULT state(?: after reset)?(?: \((?<code>[\da-fA-F]{4})h\))?`,
    source: 'mptbase.c mpt_fault_reset_work(), MakeIocReady()',
  },
  {
    id: 'mpt-queue-full',
    eras: ['2.4'],
    needles: ['reported QUEUE_FULL'],
    pattern: regex`mpt(?:scsih|scsi): ${IOC}(?:WARNING - )?Device \((?<channel>\d{1,5}):(?<id>\d{1,10}):(?<lun>\d{1,20})\) reported QUEUE_FULL`,
    source: 'mptscsih.c mptscsih_report_queue_full(), 2.4 (later kernels print it in debug builds only)',
  },
]);
