import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { failureOf, temporary } from '../machine/temporary.ts';
import { logFile } from './diagnosis.ts';
import { diagnosed, logOf } from './in-process.ts';
import { DRIVER_BUG, syslog } from './sequences.ts';

const HEALTHY = syslog('Jun 12 09:00:', [
  'Linux version 2.6.18-8.el5 (builder@example) #1 SMP',
  'EXT3-fs: mounted filesystem with ordered data mode.',
]);
const SSHD =
  'Jun 12 09:10:00 guest1 sshd[4242]: Accepted publickey for deploy from 10.1.4.22 port 51234 ssh2\n';
const WEB = '10.0.0.7 - - [12/Jun/2008:09:00:00 +0200] "GET /kernel/panic.html HTTP/1.0" 200 2326\n';

describe('what was looked at is told:', () => {
  test('lines, lines of the kernel and the time of each log, and of all', async () => {
    const found = await diagnosed([
      logOf(HEALTHY + SSHD, 'one'),
      logOf(syslog('Jun 12 11:20:', DRIVER_BUG), 'two'),
    ]);
    const at = (clock: string): string => new Date(`2008-06-12T${clock}`).toISOString();
    expect(found.logs).toEqual([
      {
        name: 'one',
        lines: 3,
        kernelLines: 2,
        hypervisorLines: 0,
        repairs: [],
        first: at('09:00:00'),
        last: at('09:10:00'),
      },
      {
        name: 'two',
        lines: 10,
        kernelLines: 10,
        hypervisorLines: 0,
        repairs: [],
        first: at('11:20:00'),
        last: at('11:20:09'),
      },
    ]);
    expect(found.looked).toEqual({
      ...{ lines: 13, kernelLines: 12, hypervisorLines: 0, repairs: [] },
      ...{ first: at('09:00:00'), last: at('11:20:09') },
    });
  });

  test('on the page, also where nothing failed', async () => {
    const run = await mptfix(['diagnose', await logFile(HEALTHY + SSHD)]);
    expect([run.status, run.stdout]).toEqual([0, expect.stringContaining('no path failure')]);
    expect(run.stdout).toMatch(
      /looked at\n +\S+\/log: 3 lines, 2 of the kernel, 2008-06-12T\S+ to 2008-06-12T\S+\n/,
    );
  });

  test('of a log without times, that it has none', async () => {
    const { stdout } = await mptfix([
      'diagnose',
      await logFile('end_request: I/O error, dev sda, sector 1138\n'),
    ]);
    expect(stdout).toContain(': 1 line, 1 of the kernel, without times');
  });

  test('of a log of 70 KB in pieces and without a last line break, every line once', async () => {
    const text = (HEALTHY + SSHD).repeat(200) + HEALTHY.trimEnd();
    const open = async function* (): AsyncGenerator<Uint8Array> {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += 997) yield bytes.subarray(at, at + 997);
    };
    const source = { name: 'log', parts: [{ name: 'log', until: Date.now(), open }] };
    expect((await diagnosed([source])).looked).toMatchObject({ lines: 602, kernelLines: 402 });
  });
});

describe('a line is the kernel’s in each of its forms:', () => {
  test.each([
    'Jun 12 09:00:00 guest1 kernel: usb 1-1: new device',
    'Jun 12 09:00:00 guest1 kernel: [    1.234567] usb 1-1: new device',
    '2008-06-12T09:00:00.123456+02:00 guest1 kernel: usb 1-1: new device',
    '<6>1 2008-06-12T09:00:00.123Z guest1 kernel - - - usb 1-1: new device',
    '[    1.234567] usb 1-1: new device',
    '<6>[    1.234567] usb 1-1: new device',
    '<6>usb 1-1: new device',
    '6,339,5140900,-;usb 1-1: new device',
    'kern  :info  : [    1.234567] usb 1-1: new device',
    '[Thu Jun 12 09:00:00 2008] usb 1-1: new device',
    'Linux version 2.6.9-34.EL (builder@example) #1 Wed Feb 22 2006',
    '{"MESSAGE":"usb 1-1: new device","_TRANSPORT":"kernel"}',
  ])('%s', async (line) => {
    expect(await diagnosed(`${line}\n`)).toMatchObject({
      verdict: 'none',
      looked: { lines: 1, kernelLines: 1 },
    });
  });

  test.each([
    SSHD.trimEnd(),
    WEB.trimEnd(),
    '[Thu Jun 12 09:00:00 2008] [error] [client 10.0.0.7] File does not exist: /srv/www/favicon.ico',
    '[Thu Jun 12 09:00:00 2008] [core:error] [pid 7] File does not exist',
    '<30>Jun 12 09:00:00 guest1 dhclient: DHCPREQUEST on eth0',
    '30,339,5140900,-;systemd[1]: Started Session 1 of user root.',
    'usb sticks are in the second drawer',
    '[    12.345] (II) Loading sub module "fb"',
  ])('and is not, where another program wrote it: %s', async (line) => {
    const found = await diagnosed(`${line}\n`);
    expect(found).toMatchObject({ verdict: 'cannot-tell', looked: { lines: 1, kernelLines: 0 } });
  });
});

describe('where nothing can be known, the exit status is 3:', () => {
  test('no line of a kernel, in the page and in the document', async () => {
    const file = await logFile(WEB.repeat(3));
    const page = await mptfix(['diagnose', file]);
    expect([page.status, page.stdout]).toEqual([3, expect.stringContaining('CANNOT TELL')]);
    expect(page.stdout).toContain('none of the 3 lines is a kernel’s message');
    expect(page.stdout).not.toContain('no path failure');
    const run = await mptfix(['diagnose', '--json', file]);
    expect(run.status).toBe(3);
    expect(json(run)).toMatchObject({ verdict: 'cannot-tell', looked: { lines: 3, kernelLines: 0 } });
  });

  test('an empty log', async () => {
    const run = await mptfix(['diagnose', '--json', await logFile('')]);
    expect([run.status, json(run).verdict]).toEqual([3, 'cannot-tell']);
  });

  test('a file that was named beside a good one, and has nothing of a kernel or cannot be read', async () => {
    const healthy = logOf(HEALTHY, 'kern.log');
    const strange = await diagnosed([healthy, logOf(WEB, 'access.log')]);
    expect(strange).toMatchObject({
      verdict: 'cannot-tell',
      cannotTell: [expect.stringContaining('access.log')],
    });
    const run = await mptfix(['diagnose', '--json', await logFile(HEALTHY), '/nonexistent/log']);
    expect(run.status).toBe(3);
    expect(json(run).cannotTell).toEqual(['not read: /nonexistent/log: there is no such file']);
  });

  test('but not for a guest’s other logs, and not where something was found', async () => {
    const both = [logOf(HEALTHY, 'kern.log'), logOf(SSHD, 'syslog')];
    expect((await diagnosed(both, { named: false })).verdict).toBe('none');
    const found = await diagnosed([logOf(syslog('Jun 12 11:20:', DRIVER_BUG)), logOf(WEB, 'access.log')]);
    expect(found).toMatchObject({ verdict: 'this-bug', cannotTell: [] });
  });

  test.each([
    [
      'a program',
      Buffer.from('\u007fELF\u0002\u0001\u0001\0\0\0\0\0\0\0\0\0\u0003\0>\0'.repeat(90), 'latin1'),
    ],
    ['random bytes', Buffer.from(Array.from({ length: 4000 }, (_, at) => (at * 7919 + (at >> 3)) % 251))],
    ['journald’s own file', Buffer.from(`LPKSHHRH${'\0'.repeat(200)}MESSAGE=Aborting journal`, 'latin1')],
  ])('%s instead of a log', async (_, bytes) => {
    const folder = await temporary({ file: bytes });
    const run = await mptfix(['diagnose', '--json', join(folder, 'file')]);
    expect([run.status, json(run).error.code]).toEqual([3, 'E_LOG_BINARY']);
    const page = await mptfix(['diagnose', join(folder, 'file'), await logFile(HEALTHY)]);
    expect([page.status, page.stdout]).toEqual([3, expect.stringContaining('CANNOT TELL')]);
  });

  test('a log with blocks of NUL, as a crash leaves them, is a log', async () => {
    const found = await diagnosed(`${'\0'.repeat(3000)}\n${HEALTHY}`);
    expect(found).toMatchObject({ verdict: 'none', unread: [] });
  });

  test('a folder instead of a log, in words', async () => {
    const problem = await failureOf(diagnosed([]));
    expect(problem).toMatchObject({ code: 'E_LOG_MISSING', what: 'no kernel log was found' });
    const run = await mptfix(['diagnose', await temporary()]);
    expect([run.status, run.stderr]).toEqual([3, expect.stringContaining(': it is a folder, not a file')]);
  });
});

describe('the time that was asked for', () => {
  const file = () => logFile(HEALTHY + SSHD);

  test('ends after it begins', async () => {
    const run = await mptfix(['diagnose', '--since', '2008-06-13', '--until', '2008-06-12', await file()]);
    expect([run.status, run.stderr]).toEqual([2, expect.stringContaining('E_USAGE')]);
    expect(run.stderr).toContain('is after --until');
  });

  test('may be one moment', async () => {
    const run = await mptfix(['diagnose', '--since', '2008-06-12', '--until', '2008-06-12', await file()]);
    expect(run.stderr).not.toContain('E_USAGE');
  });

  test.each([
    [['--since', '2008-06-20'], /the logs end at 2008-06-12T.*, before --since/],
    [['--until', '2008-06-01'], /the logs begin at 2008-06-12T.*, after --until/],
  ])('is in the logs, or nothing is known: %j', async (options, reason) => {
    const run = await mptfix(['diagnose', '--json', ...options, await file()]);
    expect([run.status, json(run).verdict]).toEqual([3, 'cannot-tell']);
    expect(json(run).cannotTell[0]).toMatch(reason);
  });

  test('counts by all lines: a kernel that had nothing to say is no gap', async () => {
    const since = Date.parse('2008-06-12T09:05:00');
    expect((await diagnosed(HEALTHY + SSHD, { since })).verdict).toBe('none');
    expect((await diagnosed(HEALTHY, { since })).verdict).toBe('cannot-tell');
    expect((await diagnosed(HEALTHY, { since, live: true })).verdict).toBe('none');
  });
});
