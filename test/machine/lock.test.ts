import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statSync } from 'node:fs';
import { chmod, chown } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lockFolder } from '../../src/machine/lock.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { temporary, until } from './temporary.ts';

const HOLD = `
const { lockFolder } = await import(process.argv[1]);
const lock = await lockFolder(process.argv[2], { writes: true });
console.log(lock === undefined ? 'refused' : 'held');
process.stdin.on('data', () => lock.release().then(() => process.exit(0))).on('end', () => {});
`;

/** Another process that takes the lock and keeps it until it is told, or killed. */
async function other(folder: string): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const script = resolve('src/machine/lock.ts');
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLD, script, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: chunk.toString().trim() };
}

async function isFree(folder: string): Promise<boolean> {
  const lock = await lockFolder(folder, { writes: true });
  await lock?.release();
  return lock !== undefined;
}

test('only one process has the lock, and it is free after the release', async () => {
  const folder = await temporary({ file: 'x' });
  const before = listing(folder);
  const lock = await lockFolder(folder, { writes: true });
  expect((await other(folder)).said).toBe('refused');
  expect(await isFree(folder)).toBe(false);
  await lock?.release();
  const { child, said } = await other(folder);
  expect([said, await isFree(folder)]).toEqual(['held', false]);
  child.stdin?.write('go\n');
  await once(child, 'exit');
  expect(await isFree(folder)).toBe(true);
  expect(listing(folder)).toEqual(before);
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'the lock is gone with a holder that %s has ended',
  async (signal) => {
    const folder = await temporary();
    const { child } = await other(folder);
    expect(await isFree(folder)).toBe(false);
    child.kill(signal);
    await once(child, 'exit');
    await until(() => isFree(folder));
  },
);

test('two folders have a lock each, and a link leads to the same one', async () => {
  const root = await temporary({ 'one/x': '', 'two/x': '', name: { link: '/one' } });
  const target = rootTarget(root, { dryRun: false });
  const one = await target.lock('/one');
  expect(await target.lock('/name')).toBe(undefined);
  const two = await target.lock('/two');
  expect(two).toBeDefined();
  await Promise.all([one?.release(), two?.release()]);
});

/** Another user's, or root's, plain flock(1) of a folder, which that user may only read. */
async function plainFlock(folder: string, uid: number): Promise<void> {
  const child = spawn('flock', [folder, 'sh', '-c', 'echo held; exec cat'], {
    uid,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
}

describe('the lock of somebody else on the folder itself', () => {
  test('holds nobody up where that user may only read it, and two runs still exclude each other', async () => {
    const folder = await temporary();
    await plainFlock(folder, 61999);
    const lock = await lockFolder(folder, { writes: true });
    expect(lock).toBeDefined();
    expect((await other(folder)).said).toBe('refused');
    await lock?.release();
    expect((await other(folder)).said).toBe('held');
  });

  test('also where the process that took it has ended, and its child has it', async () => {
    const folder = await temporary();
    const script = 'exec 9< "$1"; flock 9; (exec sleep 600) & echo held';
    const child = spawn('sh', ['-c', script, 'sh', folder], {
      uid: 61999,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    onTestFinished(() => void process.kill(-(child.pid ?? 0), 'SIGKILL'));
    await once(child.stdout, 'data');
    await until(() => child.exitCode !== null);
    expect(await isFree(folder)).toBe(true);
  });

  test('counts where it is root’s, or that of the folder’s owner', async () => {
    const [roots, theirs] = [await temporary(), await temporary()];
    await plainFlock(roots, 0);
    await chown(theirs, 61999, 61999);
    await plainFlock(theirs, 61999);
    expect([await isFree(roots), await isFree(theirs)]).toEqual([false, false]);
  });
});

test('only root can open what root locks, and a look creates nothing', async () => {
  const folder = await temporary();
  const { dev, ino } = statSync(folder, { bigint: true });
  const file = `/run/mptfix-locks/${dev}-${ino}.lock`;
  // Of another folder that had the number.
  rmSync(file, { force: true });
  onTestFinished(() => rmSync(file, { force: true }));
  await (await lockFolder(folder, { writes: false }))?.release();
  expect(existsSync(file)).toBe(false);
  expect(await isFree(folder)).toBe(true);
  expect(existsSync(file)).toBe(true);
  const open = spawn('flock', ['--nonblock', file, 'true'], { uid: 61999 });
  expect((await once(open, 'exit'))[0]).not.toBe(0);
  // Whoever looks sees that a run is at work.
  const lock = await lockFolder(folder, { writes: true });
  expect(await lockFolder(folder, { writes: false })).toBeUndefined();
  await lock?.release();
});

test('nothing of the caller’s environment reaches the programs that hold it', async () => {
  const folder = await temporary({ 'bin/flock': '#!/bin/sh\necho held; exec cat\n' });
  await chmod(join(folder, 'bin/flock'), 0o755);
  const before = process.env;
  onTestFinished(() => {
    process.env = before;
  });
  process.env = { ...before, PATH: `${folder}/bin:${before.PATH}`, LD_PRELOAD: '/none.so' };
  const lock = await lockFolder(folder, { writes: true });
  expect(await isFree(folder)).toBe(false);
  await lock?.release();
});
