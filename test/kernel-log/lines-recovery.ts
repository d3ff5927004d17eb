import { type Line, message } from './line.ts';

/** Commands that ran out of time, as adapters other than the LSI Fusion MPT driver and kernels 2.4 tell it. */
export const RECOVERY_LINES: readonly Line[] = [
  {
    era: '3',
    line: 'Mar  3 04:02:11 h kernel: sd 6:0:3:0: attempting task abort! scmd(ffff8804aaaa0000)',
    host: 'h',
    events: [message('scsi-recovery-attempt', { address: '6:0:3:0', step: 'task abort' })],
  },
  {
    era: '5',
    line: '[  812.004711] sd 6:0:3:0: [sdd] tag#12 attempting task abort!scmd(0x00000000aaaa0000), outstanding for 30720 ms & timeout 30000 ms',
    kernelSeconds: 812.004711,
    events: [message('scsi-recovery-attempt', { address: '6:0:3:0', device: 'sdd', step: 'task abort' })],
  },
  {
    era: '3',
    line: 'scsi target6:0:3: attempting target reset! scmd(ffff8804aaaa0000)',
    events: [message('scsi-recovery-attempt', { step: 'target reset' })],
  },
  {
    era: '4',
    line: 'mpt3sas_cm0: attempting host reset! scmd(ffff8804aaaa0000)',
    events: [message('scsi-recovery-attempt', { adapter: 'mpt3sas_cm0', step: 'host reset' })],
  },
  {
    era: '3',
    line: 'sd 6:0:3:0: task abort: SUCCESS scmd(ffff8804aaaa0000)',
    events: [message('scsi-recovery-result', { address: '6:0:3:0', step: 'task abort', what: 'SUCCESS' })],
  },
  {
    era: '6',
    line: '[   77.120034] sd 0:0:1:0: [sdb] tag#44 task abort on host 0, 00000000bbbb0000',
    kernelSeconds: 77.120034,
    events: [message('scsi-task-abort', { address: '0:0:1:0', device: 'sdb', step: 'task abort' })],
  },
  {
    era: '2.4',
    line: 'scsi : aborting command due to timeout : pid 4711, scsi0, channel 0, id 1, lun 0 Write (10) 00 00 10 af 00 00 00 10 00',
    events: [message('scsi-abort-2.4', { host: '0', channel: '0', id: '1', lun: '0', address: '0:0:1:0' })],
  },
  {
    era: '2.4',
    line: 'SCSI host 0 abort (pid 4711) timed out - resetting',
    events: [message('scsi-reset-2.4', { host: '0', step: 'abort' })],
  },
  {
    era: '2.4',
    line: 'SCSI bus is being reset for host 0 channel 0.',
    events: [message('scsi-bus-reset-2.4', { host: '0', channel: '0' })],
  },
];
