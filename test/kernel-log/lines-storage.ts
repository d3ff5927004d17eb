import { type Line, message } from './line.ts';

/** Adapters, SCSI, block devices and multipath, as their kernels and daemons print it. */
export const STORAGE_LINES: readonly Line[] = [
  // 2.4
  {
    era: '2.4',
    line: 'Mar  3 04:02:11 rh3 kernel: SCSI disk error : host 0 channel 0 id 1 lun 0 return code = 20008',
    host: 'rh3',
    events: [
      message('scsi-return-code-2.4', {
        host: '0',
        channel: '0',
        id: '1',
        lun: '0',
        address: '0:0:1:0',
        code: '20008',
      }),
    ],
  },
  {
    era: '2.4',
    line: 'Mar  3 04:02:11 rh3 kernel:  I/O error: dev 08:11, sector 2621512',
    events: [message('block-error-2.4', { kdev: '08:11', device: 'sdb1', sector: '2621512' })],
  },
  {
    era: '2.4',
    line: 'end_request: I/O error, dev 03:01 (hda), sector 63',
    events: [message('block-error-2.4-name', { kdev: '03:01', device: 'hda1', sector: '63' })],
  },
  {
    era: '2.4',
    line: 'mptscsih: ioc0: Attempting task abort! (sc=f7c3a200)',
    events: [message('mpt-recovery-attempt', { adapter: 'ioc0', step: 'task abort' })],
  },
  {
    era: '2.4',
    line: 'mptscsih: ioc0: WARNING - Device (0:1:0) reported QUEUE_FULL!',
    events: [message('mpt-queue-full', { adapter: 'ioc0', channel: '0', id: '1', lun: '0' })],
  },
  {
    era: '2.4',
    line: 'scsi: device set offline - not ready or command retry failed after bus reset: host 0 channel 0 id 1 lun 0',
    events: [
      message('scsi-offlined-2.4', {
        what: 'not ready or command retry failed after bus reset',
        host: '0',
        channel: '0',
        id: '1',
        lun: '0',
        address: '0:0:1:0',
      }),
    ],
  },
  {
    era: '2.4',
    line: 'Current sd08:01: sense key Medium Error',
    events: [message('scsi-sense-old', { what: 'Medium Error' })],
  },
  // 2.6.0 to 2.6.13, RHEL 4
  {
    era: '2.6',
    line: 'Jun 12 11:20:43 rh4 kernel: SCSI error : <0 0 0 0> return code = 0x20008',
    events: [
      message('scsi-return-code-rhel4', {
        host: '0',
        channel: '0',
        id: '0',
        lun: '0',
        address: '0:0:0:0',
        code: '20008',
      }),
    ],
  },
  {
    era: '2.6',
    line: 'SCSI Error : return code = 0x20008',
    events: [message('scsi-return-code-rhel4', { code: '20008' })],
  },
  {
    era: '2.6',
    line: 'SCSI Error : 0 0 1 0 return code = 0x20008',
    events: [
      message('scsi-return-code-rhel4', {
        host: '0',
        channel: '0',
        id: '1',
        lun: '0',
        address: '0:0:1:0',
        code: '20008',
      }),
    ],
  },
  {
    era: '2.6',
    line: 'SCSI error : <2 0 0 12> return code = 0x8000002',
    events: [
      message('scsi-return-code-rhel4', {
        host: '2',
        channel: '0',
        id: '0',
        lun: '12',
        address: '2:0:0:12',
        code: '8000002',
      }),
    ],
  },
  {
    era: '2.6',
    line: 'scsi0 (0:0): rejecting I/O to offline device',
    events: [
      message('scsi-rejecting-rhel4', {
        host: '0',
        id: '0',
        lun: '0',
        address: '0:0:0:0',
        what: 'offline device',
      }),
    ],
  },
  {
    era: '2.6',
    line: 'scsi: Device offlined - not ready after error recovery: host 0 channel 0 id 0 lun 0',
    events: [message('scsi-offlined', { host: '0', channel: '0', id: '0', lun: '0', address: '0:0:0:0' })],
  },
  {
    era: '2.6',
    line: 'device-mapper: dm-multipath: Failing path 8:16.',
    events: [message('path-failing', { devt: '8:16', device: 'sdb' })],
  },
  // 2.6.14 to 2.6.21
  {
    era: '2.6',
    line: 'sd 0:0:1:0: SCSI error: return code = 0x20008',
    events: [message('scsi-return-code', { address: '0:0:1:0', code: '20008' })],
  },
  {
    era: '2.6',
    line: 'Oct  5 13:01:02 c5 kernel: sd 0:0:0:0: SCSI error: return code = 0x00020008',
    host: 'c5',
    events: [message('scsi-return-code', { address: '0:0:0:0', code: '00020008' })],
  },
  {
    era: '2.6',
    line: 'sd 0:0:0:0: SCSI error: return code = 0x00000008',
    events: [message('scsi-return-code', { address: '0:0:0:0', code: '00000008' })],
  },
  {
    era: '2.6',
    line: 'sd 1:0:2:7: SCSI error: return code = 0x08000002',
    events: [message('scsi-return-code', { address: '1:0:2:7', code: '08000002' })],
  },
  {
    era: '2.6',
    line: 'mptbase: ioc0: IOCStatus(0x0002): Busy',
    events: [message('mpt-iocstatus', { adapter: 'ioc0', code: '0x0002' }, 'Busy')],
  },
  {
    era: '2.6',
    line: 'mptbase: ioc0: LogInfo(0x11010100): F/W: bug! MID not found',
    events: [message('mpt-loginfo', { adapter: 'ioc0', code: '0x11010100' }, 'F/W: bug! MID not found')],
  },
  {
    era: '2.6',
    line: 'mptscsih: ioc0: attempting task abort! (sc=ffff81001f6a8cc0)',
    events: [message('mpt-recovery-attempt', { adapter: 'ioc0', step: 'task abort' })],
  },
  {
    era: '2.6',
    line: 'mptscsih: ioc0: task abort: SUCCESS (sc=ffff81001f6a8cc0)',
    events: [message('mpt-recovery-result', { adapter: 'ioc0', step: 'task abort', what: 'SUCCESS' })],
  },
  {
    era: '2.6',
    line: 'sd 0:0:0:0: timing out command, waited 180s',
    events: [message('scsi-timing-out', { address: '0:0:0:0', seconds: '180' })],
  },
  {
    era: '2.6',
    line: 'sda: Current: sense key: Hardware Error',
    events: [message('scsi-sense-old', { what: 'Hardware Error' })],
  },
  {
    era: '2.6',
    line: 'end_request: I/O error, dev sda, sector 1138',
    events: [message('block-error', { what: 'I/O', device: 'sda', sector: '1138' })],
  },
  {
    era: '2.6',
    line: 'Buffer I/O error on device sda, logical block 4904',
    events: [message('buffer-error', { device: 'sda', block: '4904' })],
  },
  {
    era: '2.6',
    line: 'lost page write due to I/O error on sda',
    events: [message('lost-page-write', { device: 'sda' })],
  },
  {
    era: '2.6',
    line: 'Apr 13 10:12:19 box kernel: [53836.968949] sd 9:0:0:0: timing out command, waited 20s',
    kernelSeconds: 53836.968949,
    events: [message('scsi-timing-out', { address: '9:0:0:0', seconds: '20' })],
  },
  // 2.6.22 to 2.6.39
  {
    era: '2.6',
    line: 'sd 0:0:0:0: [sda] Result: hostbyte=DID_BUS_BUSY driverbyte=DRIVER_OK,SUGGEST_OK',
    events: [
      message('scsi-result', {
        address: '0:0:0:0',
        device: 'sda',
        hostbyte: 'DID_BUS_BUSY',
        driverbyte: 'DRIVER_OK',
        suggest: 'SUGGEST_OK',
      }),
    ],
  },
  {
    era: '2.6',
    line: 'sd 2:0:0:0: [sdb] Result: hostbyte=0x02 driverbyte=0x00',
    events: [
      message('scsi-result', { address: '2:0:0:0', device: 'sdb', hostbyte: '0x02', driverbyte: '0x00' }),
    ],
  },
  {
    era: '2.6',
    line: 'sd 5:0:0:0: [sdc] Unhandled error code',
    events: [message('scsi-unhandled', { address: '5:0:0:0', device: 'sdc', what: 'error' })],
  },
  {
    era: '2.6',
    line: 'sd 5:0:0:0: [sdc]  Result: hostbyte=DID_NO_CONNECT driverbyte=DRIVER_OK',
    events: [
      message('scsi-result', {
        address: '5:0:0:0',
        device: 'sdc',
        hostbyte: 'DID_NO_CONNECT',
        driverbyte: 'DRIVER_OK',
      }),
    ],
  },
  {
    era: '2.6',
    line: 'sd 5:0:0:0: rejecting I/O to dead device',
    events: [message('scsi-rejecting', { address: '5:0:0:0', what: 'dead device' })],
  },
  {
    era: '2.6',
    line: 'sd 5:0:0:0: [sdc] Sense Key : Not Ready [current] ',
    events: [message('scsi-sense', { address: '5:0:0:0', device: 'sdc', what: 'Not Ready' })],
  },
  {
    era: '2.6',
    line: 'device-mapper: multipath: Failing path 8:32.',
    events: [message('path-failing', { devt: '8:32', device: 'sdc' })],
  },
  {
    era: '2.6',
    line: 'mptbase: ioc0: WARNING - IOC is in FAULT state (1601h)!!!',
    events: [message('mpt-fault', { adapter: 'ioc0', code: '1601' })],
  },
  {
    era: '2.6',
    line: 'quiet_error: 21 callbacks suppressed',
    events: [message('suppressed', { function: 'quiet_error', count: '21' })],
  },
  {
    era: '2.6',
    line: 'INFO: task jbd2/sda1-8:313 blocked for more than 120 seconds.',
    events: [message('task-blocked', { process: 'jbd2/sda1-8', seconds: '120' })],
  },
  // 3.x
  {
    era: '3',
    line: 'sd 2:0:0:0: [sda] tag#3 FAILED Result: hostbyte=DID_OK driverbyte=DRIVER_TIMEOUT',
    events: [
      message('scsi-result', {
        address: '2:0:0:0',
        device: 'sda',
        hostbyte: 'DID_OK',
        driverbyte: 'DRIVER_TIMEOUT',
      }),
    ],
  },
  {
    era: '3',
    line: 'end_request: critical target error, dev sdb, sector 20480',
    events: [message('block-error', { what: 'critical target', device: 'sdb', sector: '20480' })],
  },
  {
    era: '3',
    line: 'blk_update_request: I/O error, dev sda, sector 58720300',
    events: [message('block-error', { what: 'I/O', device: 'sda', sector: '58720300' })],
  },
  {
    era: '3',
    line: 'Buffer I/O error on device dm-1, logical block 0',
    events: [message('buffer-error', { device: 'dm-1', block: '0' })],
  },
  {
    era: '3',
    line: 'sd 3:0:0:1: Device offlined - not ready after error recovery',
    events: [message('scsi-offlined', { address: '3:0:0:1' })],
  },
  {
    era: '3',
    line: 'mptscsih: ioc0: attempting bus reset! (sc=ffff88003d0f2b80)',
    events: [message('mpt-recovery-attempt', { adapter: 'ioc0', step: 'bus reset' })],
  },
  {
    era: '3',
    line: 'mptscsih: ioc0: task abort: FAILED (rv=2003) (sc=ffff88003d0f2b80)',
    events: [message('mpt-recovery-result', { adapter: 'ioc0', step: 'task abort', what: 'FAILED' })],
  },
  // 4.x
  {
    era: '4',
    line: '[  612.004125] print_req_error: I/O error, dev sdb, sector 2048',
    kernelSeconds: 612.004125,
    events: [message('block-error', { what: 'I/O', device: 'sdb', sector: '2048' })],
  },
  {
    era: '4',
    line: 'print_req_error: critical medium error, dev nvme0n1, sector 97 flags 80700',
    events: [message('block-error', { what: 'critical medium', device: 'nvme0n1', sector: '97' })],
  },
  {
    era: '4',
    line: 'Buffer I/O error on dev sda1, logical block 2, lost async page write',
    events: [message('buffer-error', { device: 'sda1', block: '2', operation: 'lost async page write' })],
  },
  {
    era: '4',
    line: 'device-mapper: multipath: Reinstating path 65:0.',
    events: [message('path-reinstated', { devt: '65:0', device: 'sdq' })],
  },
  {
    era: '4',
    line: 'blk_update_request: 14 callbacks suppressed',
    events: [message('suppressed', { function: 'blk_update_request', count: '14' })],
  },
  // 5.x
  {
    era: '5',
    line: 'sd 0:0:0:0: [sda] tag#112 FAILED Result: hostbyte=DID_BUS_BUSY driverbyte=DRIVER_OK cmd_age=0s',
    events: [
      message('scsi-result', {
        address: '0:0:0:0',
        device: 'sda',
        hostbyte: 'DID_BUS_BUSY',
        driverbyte: 'DRIVER_OK',
        seconds: '0',
      }),
    ],
  },
  {
    era: '5',
    line: 'blk_update_request: I/O error, dev sda, sector 8136 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 0',
    events: [message('block-error', { what: 'I/O', device: 'sda', sector: '8136', operation: 'WRITE' })],
  },
  {
    era: '5',
    line: 'sd 19:0:0:0: [sds] tag#78 timing out command, waited 180s',
    events: [message('scsi-timing-out', { address: '19:0:0:0', device: 'sds', seconds: '180' })],
  },
  // 6.x
  {
    era: '6',
    line: '2024-09-22T17:12:56.123456+02:00 pi kernel: [ 1950.957989] I/O error, dev sda, sector 10673487240 op 0x1:(WRITE) flags 0x4104000 phys_seg 32 prio class 2',
    host: 'pi',
    kernelSeconds: 1950.957989,
    events: [
      message('block-error', { what: 'I/O', device: 'sda', sector: '10673487240', operation: 'WRITE' }),
    ],
  },
  {
    era: '6',
    line: 'device offline error, dev sdb, sector 8 op 0x1:(WRITE) flags 0x803000 phys_seg 1 prio class 2',
    events: [
      message('block-error', { what: 'device offline', device: 'sdb', sector: '8', operation: 'WRITE' }),
    ],
  },
  {
    era: '6',
    line: 'critical space allocation error, dev loop0, sector 4096 op 0x9:(WRITE_ZEROES) flags 0x800 phys_seg 0 prio class 2',
    events: [
      message('block-error', {
        what: 'critical space allocation',
        device: 'loop0',
        sector: '4096',
        operation: 'WRITE_ZEROES',
      }),
    ],
  },
  {
    era: '6',
    line: 'Buffer I/O error on dev dm-0, logical block 31457157, async page read',
    events: [message('buffer-error', { device: 'dm-0', block: '31457157', operation: 'async page read' })],
  },
  {
    era: '6',
    line: '[ 7470.131605][    C0] buffer_io_error: 8 callbacks suppressed',
    kernelSeconds: 7470.131605,
    events: [message('suppressed', { function: 'buffer_io_error', count: '8' })],
  },
  {
    era: '6',
    line: 'device-mapper: multipath: 253:3: Failing path 8:64.',
    events: [message('path-failing', { devt: '8:64', device: 'sde' })],
  },
  {
    era: '6',
    line: '3,1188,45091777,-;blk_print_req_error: I/O error, dev vda, sector 0 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2',
    kernelSeconds: 45.091777,
    events: [message('block-error', { what: 'I/O', device: 'vda', sector: '0', operation: 'READ' })],
  },
  {
    era: '6',
    line: 'BTRFS error (device sda1: state EA): bdev /dev/sda1 errs: wr 7, rd 0, flush 2, corrupt 0, gen 0',
    events: [message('btrfs-device-errors', { device: 'sda1', count: '7' })],
  },
  // Which disk has which address.
  {
    era: '2.4',
    line: 'Attached scsi disk sdb at scsi0, channel 0, id 1, lun 0',
    events: [
      message('scsi-attached-old', {
        device: 'sdb',
        host: '0',
        channel: '0',
        id: '1',
        lun: '0',
        address: '0:0:1:0',
      }),
    ],
  },
  {
    era: '2.6',
    line: 'sd 0:0:1:0: Attached scsi disk sdb',
    events: [message('scsi-attached-2.6', { address: '0:0:1:0', device: 'sdb' })],
  },
  {
    era: '4',
    line: 'sd 0:0:1:0: [sdb] Attached SCSI disk',
    events: [message('scsi-attached', { address: '0:0:1:0', device: 'sdb' })],
  },
  {
    era: '5',
    line: 'sd 0:0:1:0: [sdb] tag#12 CDB: Write(10) 2a 00 00 01 0c 40 00 00 08 00',
    events: [message('scsi-cdb', { address: '0:0:1:0', device: 'sdb' })],
  },
  {
    era: '2.6',
    line: 'sd 0:0:1:0: [sdb] CDB: cdb[0]=0x2a: 2a 00 00 01 0c 40 00 00 08 00',
    events: [message('scsi-cdb', { address: '0:0:1:0', device: 'sdb' })],
  },
  // multipathd
  {
    era: 'multipathd',
    line: 'Jul  9 02:11:40 db1 multipathd: checker failed path 8:48 in map mpath0',
    events: [message('checker-failed-path', { devt: '8:48', device: 'sdd', map: 'mpath0' })],
  },
  {
    era: 'multipathd',
    line: 'Jul  9 02:11:40 db1 multipathd[812]: mpath0: remaining active paths: 0',
    host: 'db1',
    events: [message('paths-remaining', { map: 'mpath0', paths: '0' })],
  },
  {
    era: 'multipathd',
    line: 'multipathd: sdd: readsector0 checker reports path is down',
    events: [message('checker-path-down', { device: 'sdd', what: 'readsector0' })],
  },
  {
    era: 'multipathd',
    line: 'multipathd[812]: mpatha: sdd - tur checker reports path is down',
    events: [message('checker-path-down', { device: 'sdd', what: 'tur' })],
  },
  {
    era: 'multipathd',
    line: 'multipathd: 8:48: mark as failed',
    events: [message('path-marked-failed', { devt: '8:48', device: 'sdd' })],
  },
  {
    era: 'multipathd',
    line: 'multipathd[812]: mpatha: Disable queueing',
    events: [message('queueing-disabled', { map: 'mpatha' })],
  },
];
