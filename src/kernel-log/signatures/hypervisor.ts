import { ofLayer, regex } from '../signature.ts';

const STATUS = String.raw`H:0x(?<hostbyte>[\da-f]{1,4}) D:0x(?<deviceStatus>[\da-f]{1,4}) P:0x(?<pluginStatus>[\da-f]{1,4})`;
const SENSE = String.raw`0x(?<senseKey>[\da-f]{1,2}) 0x(?<asc>[\da-f]{1,2}) 0x(?<ascq>[\da-f]{1,2})`;

/**
 * ESX and ESXi: not the guest's log but that of the machine below it, pasted by mistake or to compare. `hypervisor.ts`
 * decodes the numbers. Forms: VMware's articles 289902, 338435 and 337796.
 */
export const HYPERVISOR_SIGNATURES = ofLayer('hypervisor', [
  {
    id: 'esx-command-failed',
    eras: ['esx'],
    needles: ['ScsiDeviceIO', 'CompleteCommandForPath', 'ThrottleLogForDevice', 'sense data: 0x'],
    pattern: regex`(?:ScsiDeviceIO|NMP|ScsiPath|HPP)(?=[: ])[^"\n]{0,120}?\b(?:Cmd|Command)(?: ?\(0x[\da-f]{1,16}\))? 0x(?<opcode>[\da-f]{1,2})\b[^"\n]{0,120}"(?<volume>[^"\n]{1,96})"[^"\n]{0,40}(?:"(?<path>vmhba[^"\n]{1,48})"[^"\n]{0,16})?${STATUS}(?: (?<what>Valid|Possible) sense data: ${SENSE})?`,
    source: 'vmkernel of ESX 4 and later: ScsiDeviceIO, and NMP for a path',
  },
  {
    id: 'esx-command-failed-3',
    eras: ['esx'],
    needles: ['StorageMonitor: ', 'WARNING: SCSI: '],
    pattern: regex`(?:WARNING: )?(?:StorageMonitor|SCSI): \d{1,6}: (?<path>vmhba\d{1,4}:\d{1,4}:\d{1,4}:\d{1,4}) status = (?<deviceStatus>\d{1,3})/(?<hostbyte>\d{1,3}) ${SENSE}`,
    source: 'vmkernel of ESX 3: the statuses are decimal',
  },
  {
    id: 'esx-state-in-doubt',
    eras: ['esx'],
    needles: [' state in doubt'],
    pattern: regex`(?:WARNING: )?NMP: [^"\n]{1,80}"(?<volume>[^"\n]{1,96})" state in doubt`,
    source: 'vmkernel of ESX 4 and later: NMP asks for the state of the paths, for a command failed',
  },
  {
    id: 'esx-all-paths-down',
    eras: ['esx'],
    needles: ['All Paths Down'],
    pattern: regex`(?:WARNING: )?(?:StorageApdHandler|ScsiDevice)[^\[\n]{0,80}(?:\[(?<volume>[^\]\n]{1,96})\])?[^\n]{0,40}?All Paths Down`,
    source: 'vmkernel of ESXi 5 and later: APD',
  },
]);
