import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { buildableGuest, RELEASE } from '../helpers/buildable-guest.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { type SshGuest, type SshLogin, sshGuest } from '../helpers/sshd.ts';

/** An affected guest with such a login, until the test has ended. */
async function guestWith(login: SshLogin): Promise<SshGuest> {
  const guest = await sshGuest(undefined, login);
  onTestFinished(() => guest.close());
  const source = mkdtempSync('/var/tmp/mptfix-login-');
  onTestFinished(() => rmSync(source, { recursive: true, force: true }));
  buildableGuest(guest.tree, source);
  mkdirSync(join(guest.tree, 'proc/sys/kernel'), { recursive: true });
  writeFileSync(join(guest.tree, 'proc/sys/kernel/osrelease'), `${RELEASE}\n`);
  return guest;
}

test('a login that greets at length and on both outputs is looked at as any other', async () => {
  const guest = await guestWith({
    login: 'echo "Welcome to @0123:1:b"; echo "@9:1:e 0" >&2; head -c 200000 /dev/zero; echo no newline',
  });
  const run = await mptfix(['check', '--json', ...guest.words]);
  expect([run.status, json(run).verdict]).toEqual([10, 'affected']);
});

test('another user than root is told what cannot be told', async () => {
  const guest = await guestWith({ user: 65534 });
  const check = await mptfix(['check', '--json', ...guest.words]);
  expect([check.status, json(check).verdict]).toEqual([10, 'affected']);
  mkdirSync(join(guest.tree, 'var/lib/mptfix/generations'), { recursive: true, mode: 0o700 });
  const status = await mptfix(['status', '--json', ...guest.words]);
  expect([status.status, json(status).state]).toEqual([11, 'unknown']);
  expect(json(status).unseen).toEqual([expect.stringContaining('only root')]);
});

test('a login that ends without a shell is not reached, in its own words', async () => {
  const guest = await guestWith({ login: 'echo "This account is not available." >&2; exit 1' });
  const run = await mptfix(['check', '--json', ...guest.words]);
  expect([run.status, json(run).error.code]).toEqual([3, 'E_HOST']);
  expect(json(run).error.what).toContain('This account is not available.');
});

test('a server that accepts and says nothing is given up', { timeout: 60_000 }, async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const options = [`Port=${port}`, 'ConnectTimeout=1'].flatMap((one) => ['--ssh-option', one]);
  const run = await mptfix(['check', '--json', '--host', '127.0.0.1', ...options]);
  expect([run.status, json(run).error.code]).toEqual([3, 'E_HOST']);
});
