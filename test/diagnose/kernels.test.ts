import { describe, expect, test } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { temporary } from '../machine/temporary.ts';
import { logFile } from './diagnosis.ts';
import { diagnosed, logOf } from './in-process.ts';
import { DRIVER_BUG, syslog } from './sequences.ts';

const banner = (release: string) => `Linux version ${release} (builder@example) (gcc version 4.1.1) #1 SMP`;
const WITH_STATUS = 'sd 0:0:0:0: SCSI error: return code = 0x00020008';
const WITHOUT = 'sd 0:0:0:0: [sda] Result: hostbyte=DID_BUS_BUSY driverbyte=DRIVER_OK,SUGGEST_OK';
const ERROR = 'end_request: I/O error, dev sda, sector 1138';

describe('the kernel that the log names decides whether it can be this bug:', () => {
  test.each([
    ['2.6.18-8.el5', WITH_STATUS, 'this-bug', 'certain'],
    ['2.6.9-42.0.10.ELsmp', WITH_STATUS, 'this-bug', 'certain'],
    ['2.6.18-53.el5', WITH_STATUS, 'other', 'likely'],
    ['2.6.9-55.EL', WITH_STATUS, 'other', 'likely'],
    ['2.6.9-22.0.2.EL', WITH_STATUS, 'other', 'likely'],
    ['2.4.21-47.EL', WITH_STATUS, 'other', 'likely'],
    ['2.6.32-431.el6.x86_64', WITHOUT, 'other', 'likely'],
    ['3.10.0-1160.el7.x86_64', WITHOUT, 'other', 'likely'],
    ['5.14.0-362.8.1.el9_3.x86_64', WITHOUT, 'other', 'likely'],
    // Where the tables do not know, nothing is taken back.
    ['2.6.5-7.97-default', WITH_STATUS, 'this-bug', 'certain'],
    ['somebody’s own', WITHOUT, 'this-bug', 'likely'],
  ])('%s, %s: %s', async (release, result, cause, certainty) => {
    const text = syslog('Jun 12 08:00:', [banner(release)]) + syslog('Jun 12 11:20:', [result, ERROR]);
    const { incidents } = await diagnosed(text);
    expect(incidents[0]?.verdict).toMatchObject({ cause, certainty });
    if (cause === 'other')
      expect(incidents[0]?.verdict.evidence[0]).toContain(`kernel ${release} cannot have the branch`);
  });

  test('the one that runs then, not the one before or after', async () => {
    const fault = (day: string) => syslog(`Jun ${day} 11:20:`, [WITH_STATUS, ERROR]);
    const text =
      syslog('Jun 10 08:00:', [banner('2.6.18-8.el5')]) +
      fault('11') +
      syslog('Jun 11 11:25:', [banner('2.6.18-92.el5')]) +
      fault('13');
    const { incidents } = await diagnosed(text);
    expect(incidents.map(({ verdict, kernel }) => [kernel?.release, verdict.cause])).toEqual([
      ['2.6.18-8.el5', 'this-bug'],
      ['2.6.18-92.el5', 'other'],
    ]);
  });

  test('the next one in a log that begins later makes it likely only, for somebody may have updated it', async () => {
    const later = syslog('Jun 12 11:24:', [banner('2.6.18-92.el5')]);
    const of = async (result: string) => {
      const { incidents } = await diagnosed(syslog('Jun 12 11:20:', [result, ERROR]) + later);
      return [incidents[0]?.kernel?.said, incidents[0]?.verdict.cause, incidents[0]?.verdict.certainty];
    };
    expect(await of(WITH_STATUS)).toEqual(['later', 'this-bug', 'likely']);
    expect(await of(WITHOUT)).toEqual(['later', 'other', 'likely']);
  });

  test('also where it stands in another log, which is read at the same time', async () => {
    const old =
      syslog('Jun 10 08:00:', [banner('2.6.18-8.el5')]) + syslog('Jun 12 11:20:', [WITH_STATUS, ERROR]);
    const buffer = syslog('Jun 14 08:00:', [banner('2.6.18-92.el5')]);
    const { incidents } = await diagnosed([logOf(buffer, 'kern.log'), logOf(old, 'messages')]);
    expect(incidents[0]).toMatchObject({
      kernel: { release: '2.6.18-8.el5' },
      verdict: { cause: 'this-bug' },
    });
  });

  test('and a boot of later in another log says nothing of now', async () => {
    const old = syslog('Jun 12 11:20:', [WITH_STATUS, ERROR]);
    const buffer = syslog('Jun 14 08:00:', [banner('2.6.18-92.el5')]);
    const { incidents } = await diagnosed([logOf(buffer, 'kern.log'), logOf(old, 'messages')]);
    expect(incidents[0]).toMatchObject({ kernel: { said: 'later' }, verdict: { cause: 'this-bug' } });
  });

  test('where nothing names it, a line in the newer form says what that means', async () => {
    const { incidents } = await diagnosed(syslog('Jun 12 11:20:', [WITHOUT, ERROR]));
    expect(incidents[0]?.verdict).toMatchObject({ cause: 'this-bug', certainty: 'likely' });
    expect(incidents[0]?.verdict.evidence[0]).toMatch(
      /from 2\.6\.22 on, and their own driver no longer has the branch/,
    );
  });
});

describe('where the log names none,', () => {
  test('--kernel does', async () => {
    const file = await logFile(syslog('Jun 12 11:20:', DRIVER_BUG));
    const verdict = async (...more: readonly string[]) =>
      json(await mptfix(['diagnose', '--json', ...more, file])).verdict;
    expect([
      await verdict(),
      await verdict('--kernel', '2.6.18-8.el5'),
      await verdict('--kernel', '2.6.18-92.el5'),
    ]).toEqual(['this-bug', 'this-bug', 'other']);
    const { stdout } = await mptfix(['diagnose', '--kernel', '2.6.18-92.el5', file]);
    expect(stdout).toMatch(/kernel: +2\.6\.18-92\.el5 \(by --kernel\): RHEL 5/);
  });

  test('the guest’s present kernel makes it likely only, for it may have had another then', async () => {
    const root = await temporary({
      'var/log/messages': syslog('Jun 12 11:20:', DRIVER_BUG),
      'lib/modules/2.6.18-92.el5/kernel/x': '',
      'etc/redhat-release': 'CentOS release 5.2 (Final)\n',
    });
    const [incident] = json(await mptfix(['diagnose', '--json', '--root', root])).incidents;
    expect(incident.verdict).toMatchObject({ cause: 'this-bug', certainty: 'likely' });
    expect(incident.verdict.evidence[0]).toContain('it was another kernel or another driver then');
    expect(incident.kernel).toMatchObject({ release: '2.6.18-92.el5', said: 'guest' });
  });

  test('nor does a log server’s own kernel, of the hosts that send it their logs', async () => {
    const root = await temporary({
      'var/log/messages':
        syslog('Jun 12 11:20:', DRIVER_BUG, 'web1') + syslog('Jun 12 11:21:', DRIVER_BUG, 'logs'),
      'lib/modules/2.6.18-92.el5/kernel/x': '',
      'etc/sysconfig/network': 'NETWORKING=yes\nHOSTNAME=logs.example.org\n',
      'etc/redhat-release': 'CentOS release 5.2 (Final)\n',
    });
    const { incidents } = json(await mptfix(['diagnose', '--json', '--root', root]));
    expect(
      incidents.map((one: { host: string; kernel: unknown; verdict: { certainty: string } }) => [
        one.host,
        one.kernel === null,
        one.verdict.certainty,
      ]),
    ).toEqual([
      ['web1', true, 'certain'],
      ['logs', false, 'likely'],
    ]);
  });

  test('and a guest with several kernels, nothing does', async () => {
    const root = await temporary({
      'var/log/messages': syslog('Jun 12 11:20:', DRIVER_BUG),
      'lib/modules/2.6.18-92.el5/kernel/x': '',
      'lib/modules/2.6.18-8.el5/kernel/x': '',
    });
    const [incident] = json(await mptfix(['diagnose', '--json', '--root', root])).incidents;
    expect(incident).toMatchObject({ kernel: null, verdict: { cause: 'this-bug', certainty: 'certain' } });
  });
});
