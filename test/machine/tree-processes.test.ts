import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf, sh, temporary } from './temporary.ts';

const WAITS = '#include <unistd.h>\nint main(void) { for (;;) pause(); }\n';

/** A tree, and a tree in it, each with a static program that waits. */
async function tree(): Promise<string> {
  const root = await temporary({ 'etc/fstab': 'old', 'srv/inner/etc/x': '' });
  sh('printf %s "$2" | gcc -static -x c -o "$1/waits" -; cp "$1/waits" "$1/srv/inner/waits"', root, WAITS);
  return root;
}

/** Runs a command that this process is not the parent of, as those of a guest are; answers its process id. */
async function stranger(...command: readonly string[]): Promise<number> {
  const starter = spawn('sh', ['-c', '"$@" >/dev/null 2>&1 & echo $!', 'sh', ...command]);
  let said = '';
  starter.stdout.on('data', (chunk) => {
    said += String(chunk);
  });
  await once(starter, 'close');
  const pid = Number(said);
  onTestFinished(() => void sh('kill -KILL "$1" 2>/dev/null || :', said.trim()));
  return pid;
}

/** By then chroot has become the program. */
async function waits(pid: number): Promise<void> {
  while (sh('cat "/proc/$1/comm"', String(pid)).trim() !== 'waits')
    await new Promise((resolve) => setTimeout(resolve, 20));
}

const open = (root: string) => rootTarget(root, { dryRun: false });

test.each([
  ['whose root is the tree', ''],
  ['whose root is in the tree', '/srv/inner'],
])('a tree is not written to while a process runs %s', async (_, below) => {
  const root = await tree();
  const before = listing(root);
  const pid = await stranger('chroot', join(root, below), '/waits');
  await waits(pid);
  const writes = [
    () => open(root).write('/etc/fstab', 'new'),
    () => open(root).removeTree('/etc'),
    () => open(root).run(['touch', join(root, 'etc/touched')], { effect: 'write' }),
  ];
  for (const write of writes) {
    const { code, what } = await failureOf(write());
    expect([code, what.includes(`${pid} (waits)`)]).toEqual(['E_TREE_IN_USE', true]);
  }
  expect(listing(root)).toEqual(before);
  expect(await open(root).readText('/etc/fstab', 100)).toBe('old');
  sh('kill -KILL "$1"; while [ -d "/proc/$1" ]; do sleep 0.1; done', String(pid));
  await open(root).write('/etc/fstab', 'new');
});

test('a process that sees the tree as its root by a mount of its own counts, too', async () => {
  const root = await tree();
  const script = 'mount --bind "$1" /mnt && exec chroot /mnt /waits';
  const pid = await stranger('unshare', '--mount', 'sh', '-c', script, 'sh', root);
  await waits(pid);
  expect((await failureOf(open(root).write('/etc/fstab', 'new'))).code).toBe('E_TREE_IN_USE');
});

test('who merely stands in the tree, or was started by this process, is no reason', async () => {
  const root = await tree();
  const shell = await stranger('sh', '-c', 'cd "$1" && exec sleep 60', 'sh', root);
  const own = spawn('chroot', [root, '/waits'], { stdio: 'ignore' });
  onTestFinished(() => void own.kill('SIGKILL'));
  await waits(own.pid ?? 0);
  await open(root).write('/etc/fstab', 'new');
  expect(sh('readlink "/proc/$1/root"', String(shell))).toBe('/\n');
});

test('what is started after the first write does not stop an undo', async () => {
  const root = await tree();
  const target = open(root);
  await target.write('/etc/fstab', 'new');
  await waits(await stranger('chroot', root, '/waits'));
  await target.write('/etc/fstab', 'old');
  expect(await target.readText('/etc/fstab', 100)).toBe('old');
});
