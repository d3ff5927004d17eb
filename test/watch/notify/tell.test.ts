import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { json, mptfix } from '../../helpers/cli.ts';
import { put, temporary } from '../../target/temporary.ts';
import { kmsg } from '../cases.ts';
import { partitions } from '../guest.ts';
import { headersOf, relay } from './relay.ts';

const LOG = [
  'sd 0:0:0:0: SCSI error: return code = 0x00020008',
  'end_request: I/O error, dev sda, sector 1138',
  'Aborting journal on device sda1.',
];

const mounts = (option: string): string => `/dev/sda1 /data ext3 ${option} 0 0\n/dev/sda2 / ext3 rw 0 0\n`;

/** A guest with a file system that fstab wants writable. */
async function guest(config: object | undefined, option = 'ro'): Promise<string> {
  const root = await temporary({
    'proc/mounts': mounts(option),
    'proc/partitions': partitions('8:1 sda1', '8:2 sda2'),
    'proc/sys/kernel/hostname': 'old-guest.example.org\n',
    'proc/sys/kernel/random/boot_id': 'boot-1\n',
    'etc/fstab': '/dev/sda1 /data ext3 defaults 0 2\n/dev/sda2 / ext3 defaults 0 1\n',
    'etc/password': 'secret\nnot this\n',
    'dev/kmsg': kmsg(option === 'ro' ? LOG : []),
  });
  await chmod(join(root, 'etc/password'), 0o600);
  if (config !== undefined) await put(root, { 'etc/mptfix.json': JSON.stringify({ watch: config }) });
  return root;
}

const once = (root: string, ...args: readonly string[]) =>
  mptfix(['watch', 'once', '--root', root, '--json', ...args]);

function withRelay(port: number, more: object): object {
  return {
    to: ['admin@example.org'],
    smtp: {
      host: '127.0.0.1',
      port,
      security: 'starttls',
      user: 'watch',
      passwordFile: '/etc/password',
      caFile: '/etc/ca.pem',
    },
    sendmail: false,
    timeLimitSeconds: 3,
    ...more,
  };
}

async function guestWithRelay(
  server: { port: number; ca: string },
  option = 'ro',
  more: object = {},
): Promise<string> {
  const root = await guest(withRelay(server.port, more), option);
  await writeFile(join(root, 'etc/ca.pem'), await readFile(server.ca));
  return root;
}

describe('by an SMTP relay with STARTTLS and a password', () => {
  test('the mail says what happened, to what, why, and what to do', async () => {
    const server = await relay();
    const root = await guestWithRelay(server);
    const run = await once(root);
    expect([run.status, json(run).told]).toEqual([
      10,
      [{ event: 'alarm', mountPoints: ['/data'], by: 'smtp', errors: [] }],
    ]);
    expect(server.logins).toEqual(['watch encrypted true']);
    const [mail = ''] = server.mails;
    const headers = headersOf(mail);
    expect(headers.get('Subject')).toBe('[mptfix] old-guest.example.org: READ-ONLY: /data');
    expect([headers.get('To'), headers.get('From')]).toEqual([
      'admin@example.org',
      'mptfix@old-guest.example.org',
    ]);
    const body = mail.replaceAll('=\r\n', '').replaceAll('=3D', '=');
    for (const part of [
      '/data: READ-ONLY since',
      'ext3 on /dev/sda1',
      'host byte 0x02 with status 0x08',
      'return code = 0x00020008',
      'do not remount it rw',
    ])
      expect(body).toContain(part);
  });

  test('a hundred runs during one event send one mail; recovery sends one', async () => {
    const server = await relay();
    const root = await guestWithRelay(server);
    for (let runs = 0; runs < 10; runs += 1) await Promise.all(Array.from({ length: 10 }, () => once(root)));
    expect(server.mails.length).toBe(1);
    await put(root, {
      'proc/mounts': mounts('rw'),
      'dev/kmsg': kmsg([...LOG, 'EXT3 FS on sda1, internal journal']),
    });
    await Promise.all([once(root), once(root)]);
    for (let runs = 0; runs < 5; runs += 1) expect((await once(root)).status).toBe(0);
    expect(server.mails.map((mail) => headersOf(mail).get('X-Mptfix-Event'))).toEqual(['alarm', 'recovery']);
    await put(root, { 'proc/mounts': mounts('ro') });
    await once(root);
    expect(server.mails.length).toBe(3);
  });

  test('a reminder when its day has come, a longer gap after it', async () => {
    const server = await relay();
    const root = await guestWithRelay(server);
    await once(root);
    const state = join(root, 'run/mptfix/watch.json');
    const event = async () => JSON.parse(await readFile(state, 'utf8')).events['8:1'];
    const days = async (): Promise<number> =>
      Math.round((Date.parse((await event()).next) - Date.now()) / 86_400_000);
    expect(await days()).toBe(1);
    const text = await readFile(state, 'utf8');
    await writeFile(state, text.replace(/"next":"[^"]*"/, '"next":"2020-01-01T00:00:00.000Z"'));
    await once(root);
    expect([server.mails.length, await days()]).toEqual([2, 2]);
    expect(headersOf(server.mails[1] ?? '').get('Subject')).toContain('reminder: READ-ONLY');
  });

  test.each([
    '',
    '{"schema":"mptfix.watch-state/1","bootId":"boot-1","se',
    'null',
    '[]',
    '{"events":{"8:1":null}}',
  ])('a torn state is as good as none: %j', async (text) => {
    const server = await relay();
    const root = await guestWithRelay(server);
    await once(root);
    await writeFile(join(root, 'run/mptfix/watch.json'), text);
    expect((await once(root)).status).toBe(10);
    await once(root);
    expect(server.mails.length).toBe(2);
  });

  test('a state folder of somebody else is not used, and the alarm stands', async () => {
    const root = await guest(undefined);
    await put(root, { 'run/mptfix/watch.json': '{}' });
    await chmod(join(root, 'run/mptfix'), 0o777);
    const run = await once(root);
    expect([run.status, json(run).notes]).toEqual([10, [expect.stringContaining('E_STATE_UNSAFE')]]);
  });

  test('a lock that a killed run has left keeps nobody out', async () => {
    const server = await relay();
    const root = await guestWithRelay(server);
    await put(root, { 'run/mptfix/watch.lock': '999999 12345\n' });
    await chmod(join(root, 'run/mptfix'), 0o700);
    await once(root);
    expect(server.mails.length).toBe(1);
  });
});

describe('the next channel takes it', () => {
  test('where the relay is down, its certificate not to be trusted, or the password wrong', async () => {
    const down = await relay();
    await down.close();
    const wrong = await relay({ password: 'another' });
    const untrusted = await relay();
    for (const [server, reason] of [
      [down, /ECONNREFUSED|connect/],
      [wrong, /Invalid login/],
      [{ ...untrusted, ca: wrong.ca }, /certificate/],
    ] as const) {
      const root = await guestWithRelay(server);
      const [told] = json(await once(root)).told;
      expect([told.by, told.errors]).toEqual([
        'kernel-log',
        [{ channel: 'smtp', reason: expect.stringMatching(reason) }],
      ]);
      expect(await readFile(join(root, 'dev/kmsg'), 'utf8')).toMatch(
        /<2>mptfix watch: old-guest.example.org: READ-ONLY: \/data\n$/,
      );
    }
    expect([wrong.mails.length + untrusted.mails.length, JSON.stringify(wrong.logins)]).toEqual([
      0,
      '["watch encrypted false"]',
    ]);
  });

  test('where the relay offers no encryption: the password never goes out in clear', async () => {
    const server = await relay({ plain: true });
    const [told] = json(await once(await guestWithRelay(server))).told;
    expect([told.by, server.logins, server.mails]).toEqual(['kernel-log', [], []]);
  });

  test('where the relay never answers, within the time limit', async () => {
    const silent = createTcpServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const server = await relay();
    const root = await guestWithRelay({ port, ca: server.ca }, 'ro', { timeLimitSeconds: 1 });
    const started = Date.now();
    expect(json(await once(root)).told[0].by).toBe('kernel-log');
    expect(Date.now() - started).toBeLessThan(6000);
  });

  test('by a webhook, which gets the notice as JSON', async () => {
    const bodies: string[] = [];
    const hook = await web((body) => bodies.push(body), 200);
    const root = await guest({ webhook: { url: `${hook}/secret-token` }, sendmail: false });
    expect(json(await once(root)).told[0].by).toBe('webhook');
    expect(JSON.parse(bodies[0] ?? '')).toMatchObject({
      schema: 'mptfix.notice/1',
      event: 'alarm',
      host: 'old-guest.example.org',
      fileSystems: [{ mountPoint: '/data', state: 'read-only', device: '8:1' }],
    });
  });

  test('a webhook that refuses is told without its secret', async () => {
    const hook = await web(() => {}, 500);
    const run = await once(await guest({ webhook: { url: `${hook}/secret-token` }, sendmail: false }));
    expect(json(run).told[0]).toMatchObject({
      by: 'kernel-log',
      errors: [{ channel: 'webhook', reason: expect.stringContaining('500') }],
    });
    expect(run.stdout + run.stderr).not.toContain('secret-token');
  });

  test('and a person is told all the same as soon as the relay is back', async () => {
    const down = await relay();
    await down.close();
    const root = await guestWithRelay(down);
    await once(root);
    const state = join(root, 'run/mptfix/watch.json');
    await writeFile(
      state,
      (await readFile(state, 'utf8')).replace(/"next":"[^"]*"/, '"next":"2020-01-01T00:00:00.000Z"'),
    );
    const back = await relay({ port: down.port });
    await writeFile(join(root, 'etc/ca.pem'), await readFile(back.ca));
    expect(json(await once(root)).told[0].by).toBe('smtp');
    await once(root);
    expect(back.mails.map((mail) => headersOf(mail).get('X-Mptfix-Event'))).toEqual(['alarm']);
  });
});

describe('by sendmail', () => {
  test('a real MTA of Debian’s (msmtp) takes it and hands it to its relay', async () => {
    const server = await relay({ plain: true });
    const folder = await temporary({
      msmtprc: `account default\nhost 127.0.0.1\nport ${server.port}\nfrom watch@example.org\nauth off\ntls off\n`,
      sendmail: `#!/bin/sh\nexec msmtp -C "$(dirname "$0")/msmtprc" "$@"\n`,
    });
    await chmod(join(folder, 'sendmail'), 0o755);
    await chmod(join(folder, 'msmtprc'), 0o600);
    const run = await once(
      await guest({ sendmail: join(folder, 'sendmail') }),
      '--to',
      'admin@example.org',
      'second@example.org',
    );
    expect(json(run).told[0]).toMatchObject({ by: 'sendmail', errors: [] });
    const headers = headersOf(server.mails[0] ?? '');
    expect([server.mails.length, headers.get('To')]).toEqual([1, 'admin@example.org, second@example.org']);
  });

  test('one that hangs is left after the time limit', async () => {
    const folder = await temporary({ sendmail: '#!/bin/sh\nexec sleep 300\n' });
    await chmod(join(folder, 'sendmail'), 0o755);
    const run = await once(
      await guest({ sendmail: join(folder, 'sendmail'), timeLimitSeconds: 1 }),
      '--to',
      'root',
    );
    expect(json(run).told[0]).toMatchObject({
      by: 'kernel-log',
      errors: [{ channel: 'sendmail', reason: expect.stringContaining('within 1 s') }],
    });
  });
});

describe('no name can add a header', () => {
  test.each([
    ['the host', { 'proc/sys/kernel/hostname': 'h\r\nBcc: evil@example.org\r\n\r\nbody' }],
    [
      'the mount point',
      {
        'proc/mounts': '/dev/sda1 /d\\012Bcc:\\040evil@example.org\\012\\012x ext3 ro 0 0\n',
        'etc/fstab': '',
        'proc/1/mountinfo':
          '27 1 8:1 / /d\\012Bcc:\\040evil@example.org\\012\\015\\012x rw - ext3 /dev/sda1 ro\n',
      },
    ],
    ['the source', { 'proc/mounts': '/dev/a\\012Bcc:\\040evil@example.org /data ext3 ro 0 0\n' }],
    [
      'a message of the kernel',
      { 'dev/kmsg': '3,1,1,-;SCSI error\\x0d\\x0aBcc: evil@example.org\\x1b[2J\n' },
    ],
    [
      'letters beyond ASCII',
      { 'proc/1/mountinfo': '27 1 8:1 / /größe\u202e\u2028Bcc:x rw - ext3 /dev/sda1 ro\n' },
    ],
  ])('%s', async (_, files) => {
    const server = await relay();
    const root = await guestWithRelay(server);
    await put(root, files);
    expect((await once(root)).status).toBe(10);
    expect(server.mails.length).toBe(1);
    const names = [...headersOf(server.mails[0] ?? '').keys()].sort();
    expect(names).toEqual([
      ...[
        'Auto-Submitted',
        'Content-Transfer-Encoding',
        'Content-Type',
        'Date',
        'From',
        'MIME-Version',
        'Message-ID',
      ],
      ...['Subject', 'To', 'X-Mptfix-Event'],
    ]);
    expect(server.mails[0]).toMatch(/^[\t\r\n\x20-\x7e]*$/);
  });

  test.each(['a@b\nBcc: x@y', 'a@b, c@d', '<a@b>', ''])('no address: %j', async (address) => {
    const run = await mptfix(['watch', 'once', '--root', await guest(undefined), `--to=${address}`]);
    expect(run.status).toBe(2);
  });
});

describe('the configuration', () => {
  test('all that is wrong is said at once', async () => {
    const root = await guest({
      to: 'a b',
      smtp: { port: 0, security: 'some', user: 'x' },
      webhook: { url: 'file:///etc/passwd' },
      reminderDays: [],
      colour: 1,
    });
    const run = await mptfix(['watch', 'test-mail', '--root', root, '--json']);
    expect([run.status, json(run).error.code]).toEqual([3, 'E_CONFIG_INVALID']);
    for (const part of [
      'watch.to',
      'watch.colour: not known',
      'watch.smtp.host: is missing',
      'watch.smtp.port',
      'watch.smtp.security',
      'watch.smtp.user: needs passwordFile',
      'watch.webhook.url',
      'watch.reminderDays',
    ])
      expect(json(run).error.what).toContain(part);
  });

  test.each([
    ['others may write it', async (path: string) => chmod(path, 0o666)],
    ['it is not root’s', async (path: string) => (await import('node:fs/promises')).chown(path, 1, 1)],
  ])('refused where %s; an alarm stands all the same', async (_, spoil) => {
    const root = await guest({ to: 'admin@example.org', sendmail: false });
    await spoil(join(root, 'etc/mptfix.json'));
    const test = await mptfix(['watch', 'test-mail', '--root', root, '--json']);
    expect([test.status, json(test).error.code]).toEqual([3, 'E_CONFIG_UNSAFE']);
    const run = await once(root);
    expect([run.status, run.stderr]).toEqual([10, expect.stringContaining('E_CONFIG_UNSAFE')]);
    expect(json(run).told[0].by).toBe('kernel-log');
  });

  test('a password that others may read is not used', async () => {
    const server = await relay();
    const root = await guestWithRelay(server);
    await chmod(join(root, 'etc/password'), 0o644);
    expect(json(await once(root)).told[0]).toMatchObject({
      by: 'kernel-log',
      errors: [{ channel: 'smtp', reason: expect.stringContaining('/etc/password') }],
    });
    expect(server.logins).toEqual([]);
  });
});

describe('watch test-mail', () => {
  test('says which channel took it, and what the others said', async () => {
    const server = await relay();
    const hook = await web(() => {}, 200);
    const root = await guestWithRelay(server, 'rw', { webhook: { url: hook } });
    expect(json(await mptfix(['watch', 'test-mail', '--root', root, '--json']))).toMatchObject({
      by: 'smtp',
      errors: [],
    });
    await server.close();
    const second = await mptfix(['watch', 'test-mail', '--root', root, '--json']);
    expect([second.status, json(second).by, json(second).errors[0].channel]).toEqual([0, 'webhook', 'smtp']);
    expect(headersOf(server.mails[0] ?? '').get('Subject')).toBe('[mptfix] old-guest.example.org: test');
  });

  test('is no success where only the kernel’s log took it', async () => {
    const root = await guest({ to: 'admin@example.org', sendmail: '/nonexistent/sendmail' }, 'rw');
    const run = await mptfix(['watch', 'test-mail', '--root', root, '--json']);
    expect([run.status, json(run).error]).toMatchObject([
      3,
      { code: 'E_NOT_TOLD', what: expect.stringContaining('ENOENT') },
    ]);
  });

  test('needs somebody to tell', async () => {
    const root = await guest(undefined, 'rw');
    await rm(join(root, 'etc/password'));
    expect((await mptfix(['watch', 'test-mail', '--root', root])).status).toBe(2);
  });
});

async function web(onBody: (body: string) => void, status: number): Promise<string> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      onBody(body);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
