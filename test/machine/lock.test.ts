import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lockFolder } from '../../src/machine/lock.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { temporary, until } from './temporary.ts';

const HOLD = `
const { lockFolder } = await import(process.argv[1]);
const lock = await lockFolder(process.argv[2]);
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
  const lock = await lockFolder(folder);
  await lock?.release();
  return lock !== undefined;
}

test('only one process has the lock, and it is free after the release', async () => {
  const folder = await temporary({ file: 'x' });
  const before = listing(folder);
  const lock = await lockFolder(folder);
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
