import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseSettings } from '../../../src/watch/notify/config-schema.ts';
import { json } from '../../helpers/cli.ts';
import { guest, guestWithRelay, once, testMail } from './guest-with-config.ts';
import { relay } from './relay.ts';

describe('the configuration', () => {
  test('all that is wrong is said at once', async () => {
    const root = await guest({
      to: 'a b',
      smtp: { port: 0, security: 'some', user: 'x' },
      webhook: { url: 'file:///etc/passwd' },
      reminderDays: [],
      colour: 1,
    });
    const run = await testMail(root);
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
    const test = await testMail(root);
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

describe('one mistake in the file is named with its place:', () => {
  const relay = { host: 'mail.example.org', user: 'u', passwordFile: '/etc/password' };

  test.each([
    ['no object', [], 'the file must hold an object'],
    ['another part', { wach: {} }, 'wach: not known'],
    ['no object within', { watch: [] }, 'watch: must be an object'],
    [
      'an address in a list',
      { watch: { to: ['root', 'a b'] } },
      'watch.to: must be a mail address, or a list',
    ],
    ['a relative path', { watch: { sendmail: 'sendmail' } }, 'watch.sendmail: must be an absolute path'],
    [
      'half a second',
      { watch: { timeLimitSeconds: 0.5 } },
      'watch.timeLimitSeconds: must be a number from 1 to 300',
    ],
    ['a day too many', { watch: { reminderDays: [367] } }, 'watch.reminderDays: must be a list of days'],
    ['a text for a flag', { watch: { kernelLog: 'no' } }, 'watch.kernelLog: must be true or false'],
    ['no url', { watch: { webhook: {} } }, 'watch.webhook.url: is missing'],
    [
      'a password in clear',
      { watch: { smtp: { ...relay, security: 'none' } } },
      'watch.smtp.security: none would',
    ],
    ['a password of nobody', { watch: { smtp: { host: 'h', user: '' } } }, 'watch.smtp.user: must be a text'],
    ['a hostile name', { watch: { 'a\u001b[1m': 1 } }, 'not known'],
  ])('%s', (_, file, problem) => {
    const found = parseSettings(file);
    expect('problems' in found && found.problems).toEqual(
      expect.arrayContaining([expect.stringContaining(problem)]),
    );
    expect(JSON.stringify(found)).not.toContain('\\u001b');
  });

  test('none where all is well', () => {
    const watch = {
      to: ['root', 'admin@example.org'],
      smtp: { ...relay, port: 465, security: 'tls' },
      sendmail: false,
      reminderDays: [0.5, 7],
      webhook: { url: 'https://hook.example.org/x' },
    };
    expect(parseSettings({ watch })).toEqual(watch);
    expect(parseSettings({})).toEqual({});
  });
});
