import { chmod, readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { json } from '../../helpers/cli.ts';
import { temporary } from '../../machine/temporary.ts';
import { guest, guestWithRelay, once } from './guest-with-config.ts';
import { headersOf, relay } from './relay.ts';
import { web } from './web.ts';

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
    // Without the limit it would wait for ever.
    expect(json(await once(root)).told[0].by).toBe('kernel-log');
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
    const run = await once(await guest({ sendmail: join(folder, 'sendmail'), timeLimitSeconds: 1 }), 'root');
    expect(json(run).told[0]).toMatchObject({
      by: 'kernel-log',
      errors: [{ channel: 'sendmail', reason: expect.stringContaining('within 1 s') }],
    });
  });
});
