import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adapterByProcName, adapterOf } from '../../src/diagnose/adapters.ts';
import { liveAdapters } from '../../src/diagnose/resolve.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { temporary } from '../machine/temporary.ts';
import { diagnosed } from './in-process.ts';
import { syslog } from './sequences.ts';

/** How other adapters' drivers speak, with the name that they are known by. */
const OTHERS: readonly (readonly [name: string, message: string])[] = [
  ['mpt2sas', 'mpt2sas0: log_info(0x31120303): originator(PL), code(0x12), sub_code(0x0303)'],
  ['mpt2sas', 'mpt2sas_cm1: removing handle(0x000b), sas_addr(0x5000aaaabbbbcccc)'],
  ['mpt3sas', 'mpt3sas_cm0: log_info(0x31110e03): originator(PL), code(0x11), sub_code(0x0e03)'],
  ['mpt3sas', 'mpt3sas version 29.100.00.00 loaded'],
  ['mpt2sas or mpt3sas', 'sd 4:0:1:0: attempting task abort! scmd(ffff8804aaaa0000)'],
  ['hpsa', 'hpsa 0000:03:00.0: scsi 0:1:0:0: resetting logical Direct-Access'],
  ['cciss', 'cciss 0000:04:00.0: cmd ffff8100 timedout'],
  ['qla2xxx', 'qla2xxx [0000:05:00.0]-801c:4: Abort command issued nexus=4:0:3 -- 1 2002.'],
  ['qla2xxx', 'scsi(4:0:1): Abort command issued -- 12fd 2002.'],
  ['qla2xxx', 'qla2300 0000:02:04.0: LIP reset occured (f7f7).'],
  ['lpfc', 'lpfc 0000:06:00.0: 0:(0):0713 SCSI layer issued Device Reset (0, 1)'],
  ['megaraid', 'megaraid_sas 0000:01:00.0: pending cmds: 3'],
  ['megaraid', 'megasas: RESET -4711 cmd=2a retries=0'],
  ['aacraid', 'aacraid: Host adapter abort request (0,1,2,0)'],
  ['virtio-scsi', 'virtio_scsi virtio0: request queue is full'],
  ['vmw_pvscsi', 'vmw_pvscsi: using 64bit dma'],
  ['hv_storvsc', 'hv_storvsc vmbus_0_1: tag#3 cmd 0x2a status: scsi 0x8 srb 0x4'],
];

/** How other adapters introduce themselves. */
const INTRODUCED: readonly (readonly [name: string, words: string])[] = [
  ['Fusion MPT SAS Host', 'Fusion MPT SAS Host'],
  ['LSI SAS based MegaRAID driver', 'LSI SAS based MegaRAID driver'],
  ['Virtio SCSI HBA', 'Virtio SCSI HBA'],
  [
    'VMware PVSCSI storage adapter rev 2',
    'VMware PVSCSI storage adapter rev 2, req/cmp/msg rings: 8/8/1 pages, cmd_per_lun=254',
  ],
  ['hpsa', 'hpsa'],
  ['qla2xxx', 'qla2xxx'],
  ['BusLogic BT-958', 'BusLogic BT-958'],
  ['iSCSI Initiator over TCP/IP', 'iSCSI Initiator over TCP/IP'],
];
const FUSION = 'ioc0: LSI53C1030 B0, FwRev=01032920h, Ports=1, MaxQ=128, IRQ=177';

const RESULTS = [
  'sd 4:0:1:0: SCSI error: return code = 0x00020008',
  'SCSI error : <4 0 1 0> return code = 0x20008',
  'sd 4:0:1:0: [sdb] Result: hostbyte=DID_BUS_BUSY driverbyte=DRIVER_OK,SUGGEST_OK',
  'sd 4:0:1:0: [sdb] tag#7 FAILED Result: hostbyte=DID_BUS_BUSY driverbyte=DRIVER_OK cmd_age=0s',
] as const;
const ERROR = 'end_request: I/O error, dev sdb, sector 12345';

const verdict = async (messages: readonly string[]) =>
  (await diagnosed(syslog('Jun 12 11:20:', messages))).verdict;

test.each(OTHERS)('%s speaks: %s', (name, message) => {
  expect(adapterOf(message)).toMatchObject({ name, fusion: false });
});

test.each([
  'mptbase: ioc0: IOCStatus(0x0002): Busy',
  'mptscsih: ioc0: attempting task abort! (sc=f7a2b1c0)',
  'mptscsi: ioc0: attempting target reset! (sc=f7a2b1c0)',
  'ioc0: LSI53C1030 B0: Capabilities={Initiator}',
  'Fusion MPT base driver 3.04.02',
  'Fusion MPT SPI Host driver 3.04.02',
  `scsi0 : ${FUSION}`,
  `scsi host0: ${FUSION}`,
])('the LSI Fusion MPT driver speaks: %s', (message) => {
  expect(adapterOf(message)).toMatchObject({ fusion: true });
});

test.each([
  'scsi 4:0:1:0: Direct-Access     VMware   Virtual disk     1.0  PQ: 0 ANSI: 2',
  'scsi4: resetting the bus',
  'sd 4:0:1:0: [sdb] 8388608 512-byte logical blocks',
  'Aborting journal on device sdb1.',
])('no adapter introduces itself: %s', (message) => {
  expect(adapterOf(message)).toBe(undefined);
});

describe('another adapter’s DID_BUS_BUSY is not this bug:', () => {
  test.each(OTHERS)('%s beside it: %s', async (name, message) => {
    for (const result of RESULTS) {
      const { incidents } = await diagnosed(syslog('Jun 12 11:20:', [message, result, ERROR]));
      expect(incidents.map((one) => one.verdict.cause)).toEqual(['other']);
      expect(incidents[0]?.verdict.evidence[0]).toContain(name);
      expect(incidents[0]?.disks[0]?.verdict.cause).toBe('other');
    }
  });

  test.each(INTRODUCED)('%s has the disk, by the kernel’s word at its start', async (name, words) => {
    for (const lead of ['scsi4 : ', 'scsi host4: ']) {
      for (const result of RESULTS) {
        const text = syslog('Jun 10 08:00:', [`${lead}${words}`]) + syslog('Jun 12 11:20:', [result, ERROR]);
        const { incidents } = await diagnosed(text);
        expect(incidents[0]?.verdict).toMatchObject({ cause: 'other', certainty: 'certain' });
        expect(incidents[0]?.verdict.evidence[0]).toContain(`from ${name} (SCSI host 4)`);
      }
    }
  });

  test('in one paragraph, as a web page shows a log', async () => {
    const others = OTHERS.filter(([name]) =>
      ['mpt2sas', 'mpt3sas', 'hpsa', 'lpfc', 'megaraid'].includes(name),
    );
    for (const [, message] of others) {
      for (const result of RESULTS) {
        expect((await diagnosed(`${result} ${message} ${ERROR}\n`)).verdict).toBe('other');
        expect((await diagnosed(`${message} ${result} ${ERROR}\n`)).verdict).not.toBe('this-bug');
      }
    }
  });

  test('wherever in the incident it speaks, and however often', async () => {
    const others = fc.constantFrom(...OTHERS.map(([, message]) => message));
    const property = fc.asyncProperty(
      fc.array(others, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(...RESULTS),
      fc.nat(8),
      async (messages, result, place) => {
        const lines = [...messages.slice(0, place), result, ERROR, ...messages.slice(place)];
        expect(await verdict(lines)).toBe('other');
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });
});

describe('but it is where', () => {
  test('the LSI Fusion MPT driver has the disk, whatever else speaks', async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...OTHERS.map(([, message]) => message)),
      fc.constantFrom(...RESULTS.slice(0, 2)),
      async (other, result) => {
        // qla2xxx tells its own host: two adapters cannot have one number.
        const lines = [other.replaceAll('4:', '5:'), `scsi4 : ${FUSION}`, result, ERROR];
        expect(await verdict(lines)).toBe('this-bug');
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  test('both speak and nothing tells whose disk it is: likely, and it says so', async () => {
    const lines = ['mptbase: ioc0: IOCStatus(0x0002): Busy', OTHERS[0]?.[1] ?? '', RESULTS[0], ERROR];
    const { incidents } = await diagnosed(syslog('Jun 12 11:20:', lines));
    expect(incidents[0]?.verdict).toMatchObject({ cause: 'this-bug', certainty: 'likely' });
    expect(incidents[0]?.verdict.evidence[0]).toMatch(/mpt2sas too, so look whose disk it is/);
    expect(incidents[0]?.adapters).toEqual(['the LSI Fusion MPT driver', 'mpt2sas']);
  });

  test('the adapter of a CD-ROM is there too, and nothing tells the number of the disk’s host', async () => {
    const lines = ['scsi1 : ata_piix', 'SCSI error : return code = 0x20008', ERROR];
    expect(await verdict(lines)).toBe('this-bug');
  });

  test('another adapter spoke on another day only', async () => {
    const text =
      syslog('Jun 10 08:00:', [OTHERS[0]?.[1] ?? '']) + syslog('Jun 12 11:20:', [RESULTS[0], ERROR]);
    expect((await diagnosed(text)).verdict).toBe('this-bug');
  });

  test('a disk of each kind failed: each has its own verdict', async () => {
    const lines = [
      `scsi0 : ${FUSION}`,
      'scsi4 : Virtio SCSI HBA',
      'sd 0:0:0:0: SCSI error: return code = 0x00020008',
      'end_request: I/O error, dev sda, sector 1138',
      RESULTS[0],
      ERROR,
    ];
    const { verdict: worst, incidents } = await diagnosed(syslog('Jun 12 11:20:', lines));
    expect(worst).toBe('this-bug');
    expect(incidents[0]?.disks.map(({ name, verdict: one }) => [name, one.cause])).toEqual([
      ['sda', 'this-bug'],
      ['sdb', 'other'],
    ]);
  });

  test('a reboot gave the host’s number to another adapter afterwards', async () => {
    const boot = 'Linux version 2.6.18-8.el5 (builder@example)';
    const text =
      syslog('Jun 10 08:00:', [boot, `scsi4 : ${FUSION}`]) +
      syslog('Jun 12 11:20:', [RESULTS[0], ERROR]) +
      // Somebody reset the machine at once.
      syslog('Jun 12 11:24:', [boot, 'scsi4 : Virtio SCSI HBA']) +
      syslog('Jun 16 11:20:', [RESULTS[0], ERROR]);
    const { incidents } = await diagnosed(text);
    expect(incidents.map((one) => one.verdict.cause)).toEqual(['this-bug', 'other']);
  });
});

test('what the machine has now tells, where the log does not', async () => {
  const root = await temporary({
    'sys/class/scsi_host/host0/proc_name': 'mptspi\n',
    'sys/class/scsi_host/host4/proc_name': 'virtio_scsi\n',
    'sys/class/scsi_host/host5/proc_name': '<NULL>\n',
  });
  const adapters = await liveAdapters(rootTarget(root, { dryRun: true }));
  expect([...adapters].map(([host, { fusion }]) => [host, fusion])).toEqual([
    [0, true],
    [4, false],
  ]);
  const of = async (address: string) => {
    const text = syslog('Jun 12 11:20:', [`sd ${address}: SCSI error: return code = 0x00020008`]);
    return (await diagnosed(text, { facts: { adapters } })).verdict;
  };
  expect([await of('0:0:0:0'), await of('4:0:0:0'), await of('5:0:0:0')]).toEqual([
    'this-bug',
    'other',
    'this-bug',
  ]);
  expect(
    ['mptspi', 'mptsas', 'mptfc', 'mpt2sas', 'mpt3sas'].map((name) => adapterByProcName(name, 0).fusion),
  ).toEqual([true, true, true, false, false]);
});

test('what a user writes introduces no adapter', async () => {
  const forged = syslog('Jun 12 11:20:', ['scsi4 : Virtio SCSI HBA']).replace('kernel:', 'alice:');
  const text = forged + syslog('Jun 12 11:21:', [RESULTS[0], ERROR]);
  expect((await diagnosed(text)).verdict).toBe('this-bug');
});
