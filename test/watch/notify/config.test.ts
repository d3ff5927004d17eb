import { chmod, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseSettings } from '../../../src/watch/notify/config-schema.ts';
import { json } from '../../helpers/cli.ts';
import { put } from '../../machine/temporary.ts';
import { guest, guestWithRelay, mounts, once, testMail } from './guest-with-config.ts';
import { relay } from './relay.ts';
import { web } from './web.ts';

const wrote = (root: string, watch: object): Promise<unknown> =>
  put(root, { 'etc/mptfix.json': JSON.stringify({ watch }) });

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

  test.each([
    ['no JSON', (root: string) => put(root, { 'etc/mptfix.json': '{' }), 'is not JSON'],
    ['a typing error', (root: string) => wrote(root, { too: 'root' }), 'watch.too: not known'],
    ['somebody else’s', (root: string) => chmod(join(root, 'etc/mptfix.json'), 0o666), 'others may write it'],
    ['no password', (root: string) => rm(join(root, 'etc/password')), 'there is no file /etc/password'],
    [
      'a password for all to read',
      (root: string) => chmod(join(root, 'etc/password'), 0o644),
      '/etc/password does not belong to root',
    ],
    ['no certificate', (root: string) => rm(join(root, 'etc/ca.pem')), 'there is no file /etc/ca.pem'],
  ] as const)('a bad one is said while all is well, and the watch goes on: %s', async (_, spoil, words) => {
    const server = await relay();
    const root = await guestWithRelay(server, 'rw');
    const well = await once(root);
    expect([well.status, json(well).result, json(well).configuration]).toEqual([0, 'ok', null]);
    await spoil(root);
    const bad = await once(root);
    expect([bad.status, json(bad).result, json(bad).fileSystems.length]).toEqual([3, 'ok', 2]);
    expect(json(bad).configuration).toMatchObject({
      code: expect.stringMatching(/^E_CONFIG_(INVALID|UNSAFE)$/),
      what: expect.stringContaining(words),
    });
    expect(bad.stderr).toContain(words);
    const page = await once(root, '--page');
    expect([page.status, page.stdout, page.stderr]).toEqual([
      3,
      expect.stringContaining('every file system is fine'),
      expect.stringContaining(words),
    ]);
    const line = await once(root, '--nagios');
    expect([line.status, line.stdout]).toEqual([
      3,
      expect.stringMatching(/^MPTFIX UNKNOWN - 2 file systems are fine; .* \| /),
    ]);
    await put(root, { 'proc/mounts': mounts('ro') });
    expect((await once(root)).status).toBe(10);
  });

  test('a look by a user, who may not read it, is no failure: it notifies nobody, and says so', async () => {
    const root = await guest({ to: 'admin@example.org' }, 'rw');
    await chmod(root, 0o755);
    await chmod(join(root, 'etc/mptfix.json'), 0o600);
    const run = await once(root, { uid: 65534, gid: 65534 });
    expect([run.status, json(run).configuration, run.stderr]).toEqual([
      0,
      null,
      expect.stringContaining('nobody is notified: only root may read /etc/mptfix.json'),
    ]);
  });

  test('what is right in a bad one is used', async () => {
    const hook: string[] = [];
    const url = await web((body) => hook.push(body), 200);
    const root = await guest({ webhook: { url }, sendmail: false, smtp: { host: '' }, colour: 1 });
    const run = await once(root);
    expect([run.status, json(run).told[0].by, json(run).untold]).toEqual([10, 'webhook', []]);
    expect(json(run).configuration.what).toMatch(/watch\.smtp\.host.*watch\.colour/);
  });

  test('mended, the mail goes out at the next run; until then nobody was told', async () => {
    const server = await relay();
    const root = await guestWithRelay(server);
    const good = await readFile(join(root, 'etc/mptfix.json'), 'utf8');
    await put(root, { 'etc/mptfix.json': good.replace('"smtp"', '"smpt"') });
    const bad = await once(root);
    expect([bad.status, json(bad).told[0].by, json(bad).untold]).toEqual([10, 'kernel-log', ['/data']]);
    const again = await once(root);
    expect([again.status, json(again).untold]).toEqual([10, ['/data']]);
    await chmod(join(root, 'etc/password'), 0o644);
    await put(root, { 'etc/mptfix.json': good });
    expect(json(await once(root)).untold).toEqual(['/data']);
    await chmod(join(root, 'etc/password'), 0o600);
    const mended = await once(root);
    expect([mended.status, json(mended).told[0].by, json(mended).untold]).toEqual([10, 'smtp', []]);
    expect(json(await once(root)).told).toEqual([]);
    expect(server.mails.length).toBe(1);
    // The kernel's log has it once.
    const logged = (await readFile(join(root, 'dev/kmsg'), 'utf8')).match(/mptfix watch/g);
    expect(logged?.length).toBe(1);
  });

  test('the page says that the kernel’s log is nobody', async () => {
    const root = await guest({ to: 'admin@example.org', sendmail: false });
    const { status, stdout } = await once(root, '--page');
    expect([status, stdout]).toEqual([10, expect.stringContaining('NOBODY WAS TOLD YET of /data')]);
    expect(stdout).toContain('only the kernel’s log of this machine took the notice (alarm)');
    expect((await once(root, '--nagios')).stdout).toContain('; nobody was told yet | ');
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
