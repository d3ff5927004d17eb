import { type Line, message } from './line.ts';

/** What VMware's vmkernel says of storage that fails; names and numbers are made up. */
export const HYPERVISOR_LINES: readonly Line[] = [
  {
    era: 'esx',
    line: '2013-05-16T10:31:09.123Z cpu7:8199)ScsiDeviceIO: 2329: Cmd(0x41244a0b1c40) 0x2a, CmdSN 0x800e0011 from world 9724 to dev "naa.6000aaaa00000000000000000000beef" failed H:0x0 D:0x8 P:0x0 Possible sense data: 0x0 0x0 0x0.',
    events: [
      message('esx-command-failed', {
        opcode: '2a',
        volume: 'naa.6000aaaa00000000000000000000beef',
        hostbyte: '0',
        deviceStatus: '8',
        pluginStatus: '0',
        what: 'Possible',
        senseKey: '0',
        asc: '0',
        ascq: '0',
      }),
    ],
  },
  {
    era: 'esx',
    line: 'Mar  9 23:53:24 esx4 vmkernel: 2:14:39:54.069 cpu3:4300)NMP: nmp_CompleteCommandForPath: Command 0x28 (0x4100020e0b00) to NMP device "naa.6000aaaa00000000000000000000beef" failed on physical path "vmhba2:C0:T1:L27" H:0x0 D:0x2 P:0x0 Valid sense data: 0x4 0x44 0x0.',
    host: 'esx4',
    events: [
      message('esx-command-failed', {
        opcode: '28',
        volume: 'naa.6000aaaa00000000000000000000beef',
        path: 'vmhba2:C0:T1:L27',
        hostbyte: '0',
        deviceStatus: '2',
        pluginStatus: '0',
        what: 'Valid',
        senseKey: '4',
        asc: '44',
        ascq: '0',
      }),
    ],
  },
  {
    era: 'esx',
    line: 'Mar  9 23:53:24 esx3 vmkernel: 41:02:10:08.117 cpu1:1037)StorageMonitor: 196: vmhba1:1:6:0 status = 8/0 0x0 0x0 0x0',
    events: [
      message('esx-command-failed-3', {
        path: 'vmhba1:1:6:0',
        deviceStatus: '8',
        hostbyte: '0',
        senseKey: '0',
        asc: '0',
        ascq: '0',
      }),
    ],
  },
  {
    era: 'esx',
    line: '2013-05-16T10:31:09.130Z cpu2:8194)WARNING: NMP: nmp_DeviceRequestFastDeviceProbe:237: NMP device "naa.6000aaaa00000000000000000000beef" state in doubt; requested fast path state update...',
    events: [message('esx-state-in-doubt', { volume: 'naa.6000aaaa00000000000000000000beef' })],
  },
  {
    era: 'esx',
    line: '2022-01-05T10:31:09.130Z In(182) vmkernel: cpu2:2097160)StorageApdHandlerEv: 110: Device or filesystem with identifier [naa.6000aaaa00000000000000000000beef] has entered the All Paths Down state.',
    events: [message('esx-all-paths-down', { volume: 'naa.6000aaaa00000000000000000000beef' })],
  },
];
