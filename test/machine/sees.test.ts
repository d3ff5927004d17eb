import { chmod, chown, mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toolPath } from '../../src/machine/folders.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { temporary } from './temporary.ts';

const open = (root: string) => rootTarget(root, { dryRun: false });
const READ = { effect: 'read', sees: 'guest' } as const;
const WRITE = { effect: 'write', sees: 'guest' } as const;

describe('a program of this machine that works on a tree', () => {
  test('has its files below toolRoot, to read or to write', async () => {
    const root = await temporary({ 'etc/name': 'guest\n', link: { link: '/etc/name' } });
    const target = open(root);
    expect([target.toolRoot, await toolPath(target, '/link')]).toEqual(['/guest', '/guest/etc/name']);
    const { stdout } = await target.run(['cat', await toolPath(target, '/link')], READ);
    expect(stdout.toString()).toBe('guest\n');
    expect((await target.run(['touch', '/guest/new'], READ)).status).not.toBe(0);
    expect((await target.run(['touch', '/guest/new'], WRITE)).status).toBe(0);
    expect(await readdir(root)).toEqual(['etc', 'link', 'new']);
  });

  test('reads and writes what another user has closed, and has no other capability', async () => {
    const root = await temporary({ 'closed/file': 'x' });
    await chown(join(root, 'closed'), 61999, 61999);
    await chmod(join(root, 'closed'), 0o700);
    const script = 'cat /guest/closed/file && touch /guest/closed/new && grep CapEff /proc/self/status';
    const { stdout } = await open(root).run(['sh', '-c', script], WRITE);
    expect(stdout.toString()).toBe('xCapEff:\t0000000000000002\n');
  });

  test('follows no link of the tree to this machine', async () => {
    const [root, victim] = [await temporary(), await temporary({ secret: 'seen\n' })];
    await symlink(victim, join(root, 'away'));
    await symlink(join(victim, 'secret'), join(root, 'secret'));
    await symlink(`../../../../../../..${victim}`, join(root, 'up'));
    const before = listing(victim);
    const script =
      'cat /guest/secret /guest/away/secret /guest/up/secret; for place in away up; do echo x > /guest/$place/new; rm -rf /guest/$place/*; done';
    const { stdout } = await open(root).run(['sh', '-c', script], WRITE);
    expect(stdout.toString()).toBe('');
    expect(listing(victim)).toEqual(before);
  });
});

test('on this machine it is an ordinary program', async () => {
  const target = localTarget({ dryRun: false });
  const folder = await temporary();
  await mkdir(join(folder, 'x'));
  expect([target.toolRoot, await toolPath(target, folder)]).toEqual(['/', folder]);
  expect((await target.run(['ls', folder], READ)).stdout.toString()).toBe('x\n');
});
