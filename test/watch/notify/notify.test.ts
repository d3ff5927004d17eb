import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { json } from '../../helpers/cli.ts';
import { put } from '../../machine/temporary.ts';
import { kmsg } from '../cases.ts';
import { guest, guestWithRelay, LOG, mounts, once } from './guest-with-config.ts';
import { headersOf, relay } from './relay.ts';

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

  test('fifty runs during one event send one mail; recovery sends one', { timeout: 240_000 }, async () => {
    const server = await relay();
    const root = await guestWithRelay(server);
    for (let runs = 0; runs < 5; runs += 1) await Promise.all(Array.from({ length: 10 }, () => once(root)));
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
