import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mptfix } from '../helpers/cli.ts';
import { temporary } from '../machine/temporary.ts';
import { diagnosis, logFile } from './diagnosis.ts';
import { DRIVER_BUG, syslog, WINDOW_USED_UP } from './sequences.ts';

describe('the two sequences that a real RHEL 5 logged are told apart:', () => {
  test('BUSY made an error by the driver', async () => {
    const found = await diagnosis([await logFile(syslog('Jun 12 11:20:', DRIVER_BUG))]);
    expect(found.schema).toBe('mptfix.diagnose/1');
    expect(found.verdict).toBe('this-bug');
    expect(found.incidents).toHaveLength(1);
    const [incident] = found.incidents;
    expect(incident.verdict).toMatchObject({ cause: 'this-bug', certainty: 'certain' });
    expect(incident.verdict.evidence[0]).toContain('host DID_BUS_BUSY (0x02), status BUSY (0x08)');
    expect(incident).toMatchObject({ host: 'guest1', seconds: 9, messages: 10 });
    expect(incident.disks).toHaveLength(1);
    expect(incident.disks[0]).toMatchObject({ name: 'sda', address: '0:0:0:0', lun: 0, errors: 2 });
    expect(incident.fileSystems).toEqual([{ device: 'sda', mountPoint: null, effect: 'journal-aborted' }]);
    expect(incident.counts).toMatchObject({ 'scsi-return-code': 1, 'block-error': 1, 'journal-aborted': 1 });
    expect(incident.timeline.map(({ text }: { text: string }) => text)[1]).toBe(DRIVER_BUG[1]);
  });

  test('BUSY for longer than the kernel waits', async () => {
    const found = await diagnosis([await logFile(syslog('Jun 12 11:20:', WINDOW_USED_UP))]);
    expect(found.verdict).toBe('window-used-up');
    expect(found.incidents[0].verdict).toMatchObject({ cause: 'window-used-up', certainty: 'certain' });
    expect(found.incidents[0].verdict.evidence).toHaveLength(2);
  });

  test('both on one day are two incidents, in the order of time', async () => {
    const text = syslog('Jun 12 11:20:', DRIVER_BUG) + syslog('Jun 12 15:40:', WINDOW_USED_UP);
    const { incidents } = await diagnosis([await logFile(text)]);
    const causes = incidents.map(({ verdict }: { verdict: { cause: string } }) => verdict.cause);
    expect(causes).toEqual(['this-bug', 'window-used-up']);
  });

  test('neither: the path is gone', async () => {
    const text = syslog('Jun 12 11:20:', [
      'sd 0:0:0:0: SCSI error: return code = 0x00010000',
      ...DRIVER_BUG.slice(2),
    ]);
    const { incidents } = await diagnosis([await logFile(text)]);
    expect(incidents[0].verdict.cause).toBe('other');
    expect(incidents[0].verdict.evidence[0]).toContain('DID_NO_CONNECT');
  });
});

test('the article’s own line has all three messages, and no date', async () => {
  const line =
    'end_request: I/O error, dev sda, sector 4928181 Aborting journal on device dm-0 ext3_abort called.\n';
  const [incident] = (await diagnosis([await logFile(line)])).incidents;
  expect(incident.counts).toEqual({ 'block-error': 1, 'journal-aborted': 1, 'ext3-abort-called': 1 });
  expect(incident).toMatchObject({ start: null, host: null, deviceMapper: [{ device: 'dm-0' }] });
  expect(incident.fileSystems).toEqual([{ device: 'dm-0', mountPoint: null, effect: 'journal-aborted' }]);
});

test('two disks of one machine have a verdict each, two machines an incident each', async () => {
  const text =
    syslog('Jun 12 11:20:', DRIVER_BUG.slice(1, 3)) +
    syslog('Jun 12 11:21:', [
      'sd 0:0:1:0: SCSI error: return code = 0x08000002',
      'sdb: Current: sense key: Medium Error',
      'end_request: I/O error, dev sdb, sector 12',
    ]) +
    syslog('Jun 12 11:22:', WINDOW_USED_UP, 'guest2');
  const { incidents } = await diagnosis([await logFile(text)]);
  const seen = incidents.map(
    (one: { host: string; disks: { name: string; verdict: { cause: string } }[] }) => [
      one.host,
      ...one.disks.map(({ name, verdict }) => `${name} ${verdict.cause}`),
    ],
  );
  expect(seen).toEqual([
    ['guest1', 'sda this-bug', 'sdb other'],
    ['guest2', 'sda window-used-up'],
  ]);
});

test('fstab tells where a tree’s file systems belong', async () => {
  const root = await temporary({
    'var/log/kern.log': syslog('Jun 12 11:20:', ['Aborting journal on device sda2.']),
    'etc/fstab': '/dev/sda2 /srv/data ext3 defaults 0 2\n',
  });
  const found = await diagnosis(['--root', root]);
  expect(found.incidents[0].fileSystems).toEqual([
    { device: 'sda2', mountPoint: '/srv/data', effect: 'journal-aborted' },
  ]);
});

test('the same message in two logs is counted once, twice in one log twice', async () => {
  const messages = [...DRIVER_BUG, DRIVER_BUG[3]];
  const root = await temporary({
    'var/log/messages': syslog('Jun 12 11:20:', messages),
    'var/log/syslog': syslog('Jun 12 11:20:', messages),
    'var/log/kern.log': syslog('Jun 12 11:20:', messages.slice(4)),
  });
  const { incidents } = await diagnosis(['--root', root]);
  expect(incidents).toHaveLength(1);
  expect(incidents[0].messages).toBe(messages.length);
  expect(incidents[0].counts['buffer-error']).toBe(2);
  expect(incidents[0].sources).toContain('/var/log/messages');
});

test('two machines that say the same in one second are two incidents, also in two files', async () => {
  const folder = await temporary({
    one: syslog('Jun 12 11:20:', DRIVER_BUG, 'guest1'),
    two: syslog('Jun 12 11:20:', DRIVER_BUG, 'guest2.example.org'),
    again: syslog('Jun 12 11:20:', DRIVER_BUG, 'guest2'),
  });
  const { incidents } = await diagnosis(['one', 'two', 'again'].map((name) => join(folder, name)));
  const seen = incidents.map(({ host, messages }: { host: string; messages: number }) => [host, messages]);
  expect(seen).toEqual([
    ['guest1', DRIVER_BUG.length],
    ['guest2.example.org', DRIVER_BUG.length],
  ]);
});

test('--since and --until leave out the rest, and say how much', async () => {
  const text = ['10', '12', '14']
    .map((hour) => syslog(`Jun 12 ${hour}:20:`, ['journal commit I/O error']))
    .join('');
  const file = await logFile(text);
  const found = await diagnosis(['--since', '2008-06-12 11:00', '--until', '2008-06-12 13:00', file]);
  expect(found.incidents).toHaveLength(1);
  expect(found.leftOut).toBe(2);
  const refused = await mptfix(['diagnose', '--since', 'yesterdayish', file]);
  expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('E_USAGE')]);
});

test('an error that a superblock remembers is told, and is no incident', async () => {
  const text = syslog('Jun 12 11:20:', [
    'EXT4-fs (sda1): error count since last fsck: 3',
    'EXT4-fs (sda1): initial error at time 1212000000: ext4_journal_start_sb:327',
  ]);
  const found = await diagnosis([await logFile(text)]);
  expect(found.incidents).toEqual([]);
  expect(found.verdict).toBe('none');
  expect(found.recordedErrors).toEqual([
    { device: 'sda1', count: 3, firstError: '2008-05-28T18:40:00.000Z', lastError: null },
  ]);
});

test('what a log’s text would do to the terminal is shown instead, and no line of the page is forged', async () => {
  const evil =
    'Jun 12 11:20:00 guest1 kernel: EXT4-fs error (device sda1): f:1: \u001b[2J\u001b]0;x\u0007 \u202e evil\n';
  const file = await logFile(evil);
  const page = await mptfix(['diagnose', file]);
  expect(page.stdout).toContain('\\x1b[2J\\x1b]0;x\\x07');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(page.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test('the page says what it was, what was hit, why and when', async () => {
  const { stdout } = await mptfix(['diagnose', await logFile(syslog('Jun 12 11:20:', DRIVER_BUG))]);
  expect(stdout).toContain('1. THE DRIVER’S BUG');
  expect(stdout).toMatch(/disk: +sda at 0:0:0:0 \(LUN 0\): 2 I\/O errors/);
  expect(stdout).toMatch(/file system: +sda: journal aborted/);
  expect(stdout).toContain('sd 0:0:0:0: SCSI error: return code = 0x00020008');
  expect(stdout).toContain('mptfix check');
});
