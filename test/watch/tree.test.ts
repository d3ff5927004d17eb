import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { rootTarget } from '../../src/machine/tree.ts';
import { BIN, json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, sh, temporary } from '../machine/temporary.ts';
import { forgetTree } from './guest.ts';
import { relay } from './notify/relay.ts';
import { web } from './notify/web.ts';

interface Hostile {
  readonly root: string;
  /** Everything of this machine that the tree could have reached: as it was made, each is empty. */
  readonly touched: () => Promise<Record<string, unknown>>;
}

const UNTOUCHED = { program: false, requests: [], mails: [], logins: [], disk: 'x'.repeat(4096) };

/** A tree in alarm whose configuration and devices lead to this machine; its /dev/kmsg is a disk of this machine. */
async function hostile(): Promise<Hostile> {
  const requests: string[] = [];
  const [hook, server] = [await web((body) => requests.push(body), 200), await relay()];
  const folder = await temporary({ sendmail: '#!/bin/sh\ntouch "$(dirname "$0")/ran"\n' });
  chmodSync(join(folder, 'sendmail'), 0o755);
  const smtp = { host: '127.0.0.1', port: server.port, user: 'watch', passwordFile: '/etc/password' };
  const watch = {
    to: 'root',
    sendmail: join(folder, 'sendmail'),
    webhook: { url: hook },
    smtp: { ...smtp, caFile: '/etc/ca.pem' },
    timeLimitSeconds: 2,
  };
  const root = await temporary({
    'proc/1/mountinfo': '27 1 8:1 / / rw - ext4 /dev/sda1 ro\n',
    'proc/partitions': 'major minor  #blocks  name\n\n   8        1    1048576 sda1\n',
    'proc/sys/kernel/hostname': 'a-tree\n',
    'etc/fstab': '/dev/sda1 / ext4 defaults 0 1\n',
    'etc/mptfix.json': JSON.stringify({ watch }),
    'etc/password': 'secret\n',
    'etc/ca.pem': readFileSync(server.ca, 'utf8'),
    'dev/nothing': '',
  });
  chmodSync(join(root, 'etc/password'), 0o600);
  const image = join(await temporary({ image: 'x'.repeat(1024 * 1024) }), 'image');
  const loop = sh('losetup --find --show "$1"', image).trim();
  onTestFinished(() => void execFileSync('losetup', ['--detach', loop]));
  sh('set -- "$1" $(stat -c "0x%t 0x%T" "$2"); mknod "$1/dev/kmsg" b $(($2)) $(($3))', root, loop);
  return {
    root,
    touched: async () => ({
      program: existsSync(join(folder, 'ran')),
      requests,
      mails: server.mails,
      logins: server.logins,
      disk: sh('sync; dd if="$1" bs=4096 count=1 iflag=direct status=none', loop),
    }),
  };
}

/** Until it has looked once, however long that takes. */
async function followed(root: string): Promise<{ readonly status: number }> {
  const argv = [BIN, 'watch', 'follow', '--root', root, '--json'];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  const [status] = await once(child, 'exit');
  return { status };
}

describe('a tree is data: its configuration, programs and devices are not used', () => {
  test.each([
    ['once', (root: string) => mptfix(['watch', 'once', '--root', root, '--json']), 10],
    ['once for Nagios', (root: string) => mptfix(['watch', 'once', '--root', root, '--nagios']), 2],
    ['follow', followed, 143],
    ['test-mail', (root: string) => mptfix(['watch', 'test-mail', '--root', root, '--json']), 2],
    ['diagnose', (root: string) => mptfix(['diagnose', '--root', root, '--json']), 3],
    ['recover', (root: string) => mptfix(['recover', '--root', root, '--json']), 0],
  ])('%s', async (_, run, status) => {
    const { root, touched } = await hostile();
    const before = listing(root);
    expect((await run(root)).status).toBe(status);
    expect(await touched()).toEqual(UNTOUCHED);
    // Nothing is kept in it either.
    expect(listing(root)).toEqual(before);
  });

  test('the result says whose configuration counts, and what was not read', async () => {
    const { root } = await hostile();
    const run = await mptfix(['watch', 'once', '--root', root, '--json']);
    expect(json(run)).toMatchObject({
      result: 'alarm',
      told: [],
      notes: [
        expect.stringContaining('its /dev is never opened'),
        expect.stringContaining('the tree’s own /etc/mptfix.json is not read'),
      ],
    });
  });

  test('who asks for it is told by this machine’s configuration, once, and the tree stays as it is', async () => {
    const { root, touched } = await hostile();
    forgetTree(root);
    const bodies: string[] = [];
    const url = await web((body) => bodies.push(body), 200);
    const own = await temporary({
      'own.json': JSON.stringify({ watch: { sendmail: false, webhook: { url } } }),
    });
    const before = listing(root);
    const once = ['watch', 'once', '--root', root, '--json', '--config', join(own, 'own.json')];
    const run = await mptfix(once);
    expect(json(run).told).toEqual([{ event: 'alarm', mountPoints: ['/'], by: 'webhook', errors: [] }]);
    expect(json(run).notes).toContainEqual(expect.stringContaining('by this machine’s configuration'));
    expect(json(await mptfix(once)).told).toEqual([]);
    expect([bodies.length, await touched(), listing(root)]).toEqual([1, UNTOUCHED, before]);
  });
});

test('the port opens no device of a tree, whoever asks', async () => {
  const { root, touched } = await hostile();
  const target = rootTarget(root, { dryRun: false });
  expect((await failureOf(target.emit('/dev/kmsg', 'text\n'))).code).toBe('E_FILE_UNSAFE');
  expect((await failureOf(target.openStream('/dev/kmsg'))).code).toBe('E_FILE_UNSAFE');
  expect(await touched()).toEqual(UNTOUCHED);
});
