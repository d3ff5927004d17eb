import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { json, mptfix } from '../../helpers/cli.ts';
import { guest, machineWithRelay, testMail } from './guest-with-config.ts';
import { headersOf, relay } from './relay.ts';
import { web } from './web.ts';

describe('watch test-mail', () => {
  test('says which channel took it, and what the others said', async () => {
    const server = await relay();
    const hook = await web(() => {}, 200);
    const root = await machineWithRelay(server, { webhook: { url: hook } });
    expect(json(await testMail(root))).toMatchObject({
      by: 'smtp',
      errors: [],
    });
    await server.close();
    const second = await testMail(root);
    expect([second.status, json(second).by, json(second).errors[0].channel]).toEqual([0, 'webhook', 'smtp']);
    expect(headersOf(server.mails[0] ?? '').get('Subject')).toBe('[mptfix] old-guest.example.org: test');
  });

  test('is no success where no channel takes it; of a tree nothing gets into a kernel’s log', async () => {
    const root = await guest({ to: 'admin@example.org', sendmail: '/nonexistent/sendmail' }, 'rw');
    const run = await testMail(root);
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
