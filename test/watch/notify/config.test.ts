import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { json, mptfix } from '../../helpers/cli.ts';
import { guest, guestWithRelay, once } from './guest-with-config.ts';
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
