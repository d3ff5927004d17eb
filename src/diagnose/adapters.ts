/** A SCSI host adapter, as a kernel log or /sys shows it. */
export interface Adapter {
  /** Its driver's name: `mptscsih`, `mpt2sas`; or the words with which it introduces itself. */
  readonly name: string;
  /** Whether it is the LSI Fusion MPT driver (mptspi, mptsas, mptfc over mptscsih), the only one with the branch. */
  readonly fusion: boolean;
  /** The SCSI host's number, H of H:C:I:L, where the line tells it. */
  readonly host?: number;
  /** It says that it is there, which every adapter does at the kernel's start, a CD-ROM's too. */
  readonly introduced?: true;
}

interface AdapterRow {
  readonly name: string;
  readonly fusion: boolean;
  /** How its messages begin. `host`: the SCSI host's number, where they tell it. */
  readonly speaks: RegExp;
}

/**
 * How adapters' drivers begin their messages. Source: the `printk` prefixes in drivers/message/fusion, drivers/scsi and
 * drivers/block. Adapters for CD-ROM and USB (ata, usb-storage) are left out: they stand beside every other one.
 */
const ADAPTERS: readonly AdapterRow[] = [
  { name: 'the LSI Fusion MPT driver', fusion: true, speaks: /mpt(?:base|scsih?|spi|sas|fc|ctl|lan): /y },
  { name: 'the LSI Fusion MPT driver', fusion: true, speaks: /ioc\d{1,4}: (?:LSI|Initiator|WARNING|ERROR)/y },
  { name: 'the LSI Fusion MPT driver', fusion: true, speaks: /Fusion MPT (?:base|SPI|SAS|FC|misc)/y },
  { name: 'mpt2sas', fusion: false, speaks: /mpt2sas(?:_cm)?\d{0,3}(?: version|:)/y },
  { name: 'mpt3sas', fusion: false, speaks: /mpt3sas(?:_cm)?\d{0,3}(?: version|:)/y },
  {
    name: 'mpt2sas or mpt3sas',
    fusion: false,
    speaks:
      /(?:sd|st|sr|ses) (?<host>\d{1,5}):\d{1,5}:\d{1,10}:\d{1,20}: (?:\[\w{1,16}\] )?(?:tag#\d{1,10} )?(?:attempting )?(?:task|device) (?:abort|reset)(?:!|: [A-Z]{1,12}) ?scmd\(/y,
  },
  { name: 'hpsa', fusion: false, speaks: /hpsa(?:\d{1,3}| [\da-f:.]{4,16})?: /y },
  { name: 'cciss', fusion: false, speaks: /cciss(?:\d{1,3}|[ :/][^ ]{0,16}): /y },
  {
    name: 'qla2xxx',
    fusion: false,
    // [0000:05:00.0]-801c:6: the number after the message's id is the host's.
    speaks: /qla(?:1280|2x00|2xxx|2\d00|4xxx)\b(?: \[[\da-f:.]{1,16}\]-[\da-f]{4}:(?<host>\d{1,4}): )?/y,
  },
  { name: 'qla2xxx', fusion: false, speaks: /scsi\((?<host>\d{1,4})[:)]/y },
  { name: 'lpfc', fusion: false, speaks: /lpfc(?: [\da-f:.]{4,16}|\d{1,4})?: /y },
  { name: 'megaraid', fusion: false, speaks: /mega(?:raid_sas|raid|sas)(?: mbox| [\da-f:.]{4,16})?: /y },
  { name: 'aacraid', fusion: false, speaks: /(?:aacraid|AAC)\d{0,3}: /y },
  { name: 'arcmsr', fusion: false, speaks: /arcmsr\d{0,3}: /y },
  { name: '3ware', fusion: false, speaks: /3w-(?:9xxx|sas|xxxx): /y },
  { name: 'virtio-scsi', fusion: false, speaks: /virtio[_-]scsi(?: virtio\d{1,4})?: /y },
  { name: 'vmw_pvscsi', fusion: false, speaks: /(?:vmw_)?pvscsi(?: [\da-f:.]{4,16})?: /y },
  { name: 'hv_storvsc', fusion: false, speaks: /(?:hv_)?storvsc(?: [\w-]{4,40})?: /y },
  { name: 'smartpqi', fusion: false, speaks: /smartpqi [\da-f:.]{4,16}: /y },
  { name: 'bfa', fusion: false, speaks: /bfa(?: [\da-f:.]{4,16})?: /y },
  { name: 'fnic', fusion: false, speaks: /(?:fnic|host\d{1,4}: fnic) ?/y },
  { name: 'ibmvscsi', fusion: false, speaks: /ibmvscsi(?: \d{1,10})?: /y },
];

/**
 * How a SCSI host introduces itself when it is found: `scsi0 : ioc0: LSI53C1030 B0, FwRev=…`, from 3.16 on `scsi host0: …`.
 * Source: scsi_add_host() of drivers/scsi/hosts.c, with what the driver's info() says.
 */
const INTRODUCED = /scsi(?: host)?(?<host>\d{1,4}) ?: (?<words>[^\n]{1,200})/y;
/** mptscsih_info() writes this; mpt2sas and mpt3sas call themselves "Fusion MPT SAS Host", and are other drivers. */
const OF_FUSION = /^ioc\d{1,4}: /;
/** Not an introduction: messages about a target, and of a host that is there already. */
const NO_INTRODUCTION = /^(?:\d|resetting|reset |aborting|sending|bus reset|target|device|cmd |Device|error)/;

/** The adapter that a kernel's message is from or introduces; undefined where it is of none. */
export function adapterOf(message: string): Adapter | undefined {
  for (const { name, fusion, speaks } of ADAPTERS) {
    speaks.lastIndex = 0;
    const match = speaks.exec(message);
    if (match === null) continue;
    const host = match.groups?.host;
    return { name, fusion, ...(host === undefined ? {} : { host: Number(host) }) };
  }
  INTRODUCED.lastIndex = 0;
  const { host, words = '' } = INTRODUCED.exec(message)?.groups ?? {};
  if (host === undefined || NO_INTRODUCTION.test(words)) return undefined;
  const fusion = OF_FUSION.test(words);
  const name = fusion ? 'the LSI Fusion MPT driver' : words.split(/[,;]/)[0]?.trim().slice(0, 60);
  return name === undefined || name === ''
    ? undefined
    : { name, fusion, host: Number(host), introduced: true };
}

/** Names in /sys/class/scsi_host/host0/proc_name of the LSI Fusion MPT driver. Source: its scsi_host_template's. */
const FUSION_PROC_NAMES: ReadonlySet<string> = new Set(['mptspi', 'mptsas', 'mptfc', 'mptscsih', 'mptscsi']);

/** The adapter whose driver has this name in /sys. */
export function adapterByProcName(name: string, host: number): Adapter {
  const fusion = FUSION_PROC_NAMES.has(name);
  return { name: fusion ? `the LSI Fusion MPT driver (${name})` : name, fusion, host };
}
