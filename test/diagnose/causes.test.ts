import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mptfix } from '../helpers/cli.ts';
import { logFile } from './diagnosis.ts';
import { diagnosed, logOf } from './in-process.ts';
import { DRIVER_BUG, syslog, WINDOW_USED_UP } from './sequences.ts';

const ERROR = 'end_request: I/O error, dev sda, sector 1138';
const incidentOf = async (messages: readonly string[]) => {
  const { incidents } = await diagnosed(syslog('Jun 12 11:20:', messages));
  expect(incidents).toHaveLength(1);
  return incidents[0];
};

describe('errors without a result of a command tell no cause:', () => {
  test.each([
    [[ERROR]],
    [[ERROR, 'Aborting journal on device sda1.', 'ext3_abort called.', 'Remounting filesystem read-only']],
    [['EXT3-fs error (device sda1): ext3_journal_start_sb: Detected aborted journal']],
    [['EXT4-fs (sda1): Remounting filesystem read-only']],
    [['JBD2: I/O error when updating journal superblock for sda-8.']],
    [['Buffer I/O error on device sda1, logical block 4904', 'lost page write due to I/O error on sda1']],
    [['sd 0:0:0:0: rejecting I/O to offline device', ERROR]],
    [['device-mapper: multipath: Failing path 8:16.']],
    [['blk_update_request: 120 callbacks suppressed']],
  ])('%j', async (messages) => {
    const incident = await incidentOf(messages);
    expect(incident?.verdict.cause).toBe('cause-not-told');
    expect(incident?.verdict.evidence).toEqual([expect.stringContaining('does not show the cause')]);
  });

  test('the page says so, and where to look', async () => {
    const { stdout, status } = await mptfix(['diagnose', await logFile(syslog('Jun 12 11:20:', [ERROR]))]);
    expect([status, stdout]).toEqual([0, expect.stringContaining('1. CAUSE NOT TOLD')]);
    expect(stdout).not.toContain('ANOTHER CAUSE');
    expect(stdout).toMatch(/next\n +look for the line before the first error/);
  });
});

describe('timeouts, resets and aborts alone are a cause of their own:', () => {
  test.each([
    [['mptscsih: ioc0: attempting task abort! (sc=f7a2b1c0)']],
    [
      [
        'mptscsih: ioc0: attempting task abort! (sc=f7a2b1c0)',
        'mptscsih: ioc0: task abort: SUCCESS (sc=f7a2b1c0)',
      ],
    ],
    [['mptscsih: ioc0: attempting bus reset! (sc=f7a2b1c0)', ERROR]],
    [['mptbase: ioc0: IOC is in FAULT state!!!']],
    [['sd 6:0:3:0: attempting task abort! scmd(ffff8804aaaa0000)', ERROR]],
    [['sd 0:0:1:0: [sdb] tag#44 task abort on host 0, 00000000bbbb0000']],
    [['scsi : aborting command due to timeout : pid 1, scsi0, channel 0, id 1, lun 0 Write (10) 00 00']],
    [['scsi: Device offlined - not ready after error recovery: host 0 channel 0 id 0 lun 0', ERROR]],
    [['timeout error, dev sda, sector 1138 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 0']],
  ])('%j', async (messages) => {
    expect((await incidentOf(messages))?.verdict.cause).toBe('timeouts');
  });

  test('the page says so', async () => {
    const text = syslog('Jun 12 11:20:', ['mptscsih: ioc0: attempting task abort! (sc=f7a2b1c0)']);
    const { stdout } = await mptfix(['diagnose', await logFile(text)]);
    expect(stdout).toContain('1. TIMEOUTS: ');
  });

  test.each([
    ['this-bug', DRIVER_BUG],
    ['window-used-up', WINDOW_USED_UP],
    ['other', ['sd 0:0:0:0: SCSI error: return code = 0x00010000', ERROR]],
  ])('beside a result they change nothing: %s', async (cause, messages) => {
    const aborts = ['mptscsih: ioc0: attempting task abort! (sc=f7a2b1c0)'];
    expect((await incidentOf([...aborts, ...messages]))?.verdict.cause).toBe(cause);
    expect((await incidentOf([...messages, ...aborts]))?.verdict.cause).toBe(cause);
  });
});

describe('what failed in the device itself is another cause:', () => {
  test.each([
    [['sd 0:0:0:0: [sda] Sense Key : Medium Error [current]', ERROR]],
    [['sd 0:0:0:0: [sda] Sense Key : Hardware Error [current]']],
    [['critical medium error, dev sda, sector 1138 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 0']],
    [['critical target error, dev sda, sector 1138']],
  ])('%j', async (messages) => {
    expect((await incidentOf(messages))?.verdict).toMatchObject({ cause: 'other', certainty: 'certain' });
  });

  test('but an empty drive’s answer, or a refused question, is no incident, and is told', async () => {
    const messages = [
      'sr 1:0:0:0: [sr0] Sense Key : Not Ready [current]',
      'sd 0:0:0:0: [sda] Sense Key : Illegal Request [current]',
    ];
    const found = await diagnosed(syslog('Jun 12 11:20:', messages));
    expect(found).toMatchObject({ verdict: 'none', incidents: [], noIncident: { 'scsi-sense': 2 } });
  });
});

test('the worst of several incidents is the verdict, whatever their order', async () => {
  const kinds = [
    ['this-bug', DRIVER_BUG],
    ['window-used-up', WINDOW_USED_UP],
    ['other', ['sd 0:0:0:0: SCSI error: return code = 0x00010000', ERROR]],
    ['cause-not-told', [ERROR]],
    ['timeouts', ['mptscsih: ioc0: attempting task abort! (sc=f7a2b1c0)']],
  ] as const;
  const property = fc.asyncProperty(
    fc.uniqueArray(fc.nat(kinds.length - 1), { minLength: 1, maxLength: kinds.length }),
    async (order) => {
      const text = order.map((kind, hour) => syslog(`Jun 12 1${hour}:20:`, kinds[kind]?.[1] ?? [])).join('');
      const found = await diagnosed(text);
      expect(found.incidents.map(({ verdict }) => verdict.cause)).toEqual(
        order.map((kind) => kinds[kind]?.[0]),
      );
      expect(found.verdict).toBe(kinds[Math.min(...order)]?.[0]);
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

describe('where the decisive line is missing, it says why:', () => {
  const healthy = syslog('Jun 12 09:00:', ['EXT3-fs: mounted filesystem with ordered data mode.']);
  const doubts = async (text: string) => (await diagnosed(text)).incidents[0]?.doubts;

  test('the log begins with the error', async () => {
    expect(await doubts(syslog('Jun 12 11:20:', DRIVER_BUG.slice(2)))).toEqual([
      expect.stringContaining('the log begins with this'),
    ]);
    expect(await doubts(healthy + syslog('Jun 12 11:20:', DRIVER_BUG.slice(2)))).toEqual([]);
  });

  test('but not where a rotated log was read before', async () => {
    const part = (text: string) => logOf(text).parts[0];
    const parts = [part(healthy), part(syslog('Jun 12 11:20:', [ERROR]))].filter((one) => one !== undefined);
    expect((await diagnosed([{ name: 'log', parts }])).incidents[0]?.doubts).toEqual([]);
  });

  test('the line is cut off or wrapped, at any place', async () => {
    const whole = 'sd 0:0:0:0: SCSI error: return code = 0x00020008';
    const from = whole.indexOf('return code') + 'return code'.length;
    const property = fc.asyncProperty(fc.integer({ min: from, max: whole.length - 1 }), async (at) => {
      const text = healthy + syslog('Jun 12 11:20:', [whole.slice(0, at), ERROR]);
      const { incidents } = await diagnosed(text);
      expect(incidents[0]?.verdict.cause).toBe('cause-not-told');
      expect(incidents[0]?.doubts[0]).toMatch(
        /the result of a command is cut off or wrapped here: “sd 0:0:0:0: SCSI error/,
      );
    });
    await fc.assert(property, { numRuns: 40 });
  });

  test.each([
    ['end_request: 37 callbacks suppressed', /too many at once/],
    ['printk: 12 messages suppressed.', /did not print 12 messages/],
  ])('the kernel suppressed it: %s', async (message, reason) => {
    const found = await doubts(healthy + syslog('Jun 12 11:20:', [ERROR, message]));
    expect(found).toEqual([expect.stringMatching(reason)]);
  });

  test.each([
    ['systemd-journald[301]: Missed 25 kernel messages', /journald missed 25/],
    ['systemd-journald[301]: /dev/kmsg buffer overrun, some messages lost.', /its buffer ran over/],
    ['rsyslogd: imklog: 14 messages lost due to rate-limiting', /syslog lost 14/],
  ])('another program lost it: %s', async (line, reason) => {
    const text = `${healthy}Jun 12 11:20:00 guest1 ${line}\n${syslog('Jun 12 11:20:', [ERROR])}`;
    expect(await doubts(text)).toEqual([expect.stringMatching(reason)]);
  });

  test('and nothing, where the cause is told or the loss was on another day', async () => {
    const lost = syslog('Jun 10 11:20:', ['printk: 12 messages suppressed.']);
    expect(
      await doubts(
        healthy + syslog('Jun 12 11:20:', ['end_request: 37 callbacks suppressed', ...DRIVER_BUG]),
      ),
    ).toEqual([]);
    expect(await doubts(lost + syslog('Jun 12 11:20:', [ERROR]))).toEqual([]);
  });

  test('the page shows it', async () => {
    const { stdout } = await mptfix(['diagnose', await logFile(syslog('Jun 12 11:20:', [ERROR]))]);
    expect(stdout).toMatch(/the message that tells the cause may be missing\n +the log begins with this/);
  });
});
