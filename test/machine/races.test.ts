import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Target } from '../../src/machine/port.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { listing } from '../helpers/listing.ts';
import { sh, temporary } from './temporary.ts';

/**
 * Swaps names with what is beside them, as fast as it can: a folder with a link to the folder above the tree, and a file
 * with a link to a file there. renameat2(RENAME_EXCHANGE), which Node does not offer, leaves no moment without either.
 */
const FLIP = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
  write(1, "on\\n", 3);
  for (;;)
    for (int i = 1; i + 1 < argc; i += 2)
      if (renameat2(AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], RENAME_EXCHANGE)) return 1;
}
`;

interface Flipper {
  readonly isRunning: () => boolean;
  readonly end: () => Promise<unknown>;
}

function compiled(base: string): string {
  sh('printf %s "$2" > "$1/flip.c"; gcc -O -o "$1/flip" "$1/flip.c"', base, FLIP);
  return join(base, 'flip');
}

async function flipping(program: string, cwd: string, ...names: readonly string[]): Promise<Flipper> {
  const child = spawn(program, names, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const end = (): Promise<unknown> => {
    child.kill('SIGKILL');
    return ended;
  };
  onTestFinished(() => void end());
  await once(child.stdout, 'data');
  return { isRunning: () => child.exitCode === null, end };
}

/** The victim is beside the tree, and has the names that the tree’s folder has. */
async function treeBesideVictim(): Promise<string> {
  const base = await temporary({
    'victim/file': 'the host’s file',
    'victim/state/inner': 'the host’s state',
    'tree/var/folder/file': 'the guest’s file',
    'tree/var/folder/state/inner': 'the guest’s state',
    'tree/var/decoy': { link: '../../victim' },
    'tree/etc/name': 'the guest’s file',
    'tree/etc/other': { link: '../../victim/file' },
    'tree/kept/original': 'the original',
  });
  sh('chmod 640 "$1/victim/file"; chmod 700 "$1/victim/state"; chmod 4711 "$1/tree/kept/original"', base);
  return base;
}

const WRITES: readonly ((target: Target, count: number) => Promise<unknown>)[] = [
  (target) => target.write('/var/folder/file', 'new'),
  (target) => target.write('/var/folder/file', 'new', { like: '/kept/original' }),
  (target) => target.copy('/kept/original', '/var/folder/file'),
  (target) => target.copy('/var/folder/file', '/kept/copy'),
  (target) => target.copyAttributes('/kept/original', '/var/folder/file'),
  (target) => target.copyAttributes('/kept/original', '/etc/name'),
  (target) => target.append('/etc/name', 'more'),
  (target) => target.append('/var/folder/file', 'more'),
  (target, count) => target.create(`/var/folder/made-${count}`, 'made'),
  (target, count) => target.mkdir(`/var/folder/made-folder-${count}`, 0o777),
  (target) => target.link('/var/folder/link', '/etc/passwd'),
  (target) => target.hardLink('/kept/original', '/var/folder/file'),
  (target) => target.hardLink('/etc/name', '/kept/second'),
  (target) => target.rename('/kept/second', '/var/folder/file'),
  (target) => target.setMtime('/var/folder/file', '1.000000000'),
  (target) => target.setMtime('/etc/name', '1.000000000'),
  (target) => target.sync('/var/folder/file'),
  (target) => target.remove('/var/folder/file'),
  (target) => target.removeTree('/var/folder/state'),
];

const READS: readonly ((target: Target) => Promise<unknown>)[] = [
  (target) => target.readText('/var/folder/file', 4096),
  (target) => target.readText('/etc/name', 4096),
  (target) => target.list('/var/folder'),
  async (target) =>
    (await target.run(['cat'], { effect: 'read', stdinFile: '/etc/name' })).stdout.toString('utf8'),
];

test('2,000 writes and restores while folders and files turn into links and back: nothing beside the tree changes', async () => {
  const base = await treeBesideVictim();
  const target = rootTarget(join(base, 'tree'), { dryRun: false });
  const before = listing(join(base, 'victim'));
  const descriptors = (await readdir('/proc/self/fd')).length;
  const names = ['var/folder', 'var/decoy', 'etc/name', 'etc/other'];
  const flipper = await flipping(compiled(base), join(base, 'tree'), ...names);
  let done = 0;
  let escapes = 0;
  for (let count = 0; count < 2000; count += 1) {
    const write = WRITES[count % WRITES.length];
    // Where the link is met, its target is not in the tree; that is an error, as it should be.
    done += await (write?.(target, count) ?? Promise.reject()).then(
      () => 1,
      () => 0,
    );
    if (count % 20 === 0) {
      await target.mkdir('/var/folder/state', 0o700).catch(() => {});
      await target.create('/var/folder/state/inner', 'x').catch(() => {});
      for (const read of READS)
        if (String(await read(target).catch(() => '')).includes('the host’s')) escapes += 1;
    }
    if (JSON.stringify(listing(join(base, 'victim'))) !== JSON.stringify(before)) escapes += 1;
    if (escapes > 0) break;
  }
  expect(flipper.isRunning()).toBe(true);
  expect(escapes).toBe(0);
  expect(listing(join(base, 'victim'))).toEqual(before);
  // Both were met: the folder, where a write is done, and the link, where it is not.
  expect(done).toBeGreaterThan(200);
  expect(done).toBeLessThan(1900);
  expect((await readdir('/proc/self/fd')).length).toBeLessThanOrEqual(descriptors + 2);
}, 240_000);

test('a tree is removed while its folders turn into links: nothing that they lead to goes', async () => {
  const base = await temporary({ 'victim/file': 'the host’s', 'victim/c/file': 'the host’s' });
  const before = listing(join(base, 'victim'));
  const program = compiled(base);
  const target = rootTarget(base, { dryRun: false });
  for (let count = 0; count < 60; count += 1) {
    sh('mkdir -p "$1/old/a/b/c"; ln -s ../../victim "$1/old/a/swap"', base);
    sh(
      'cd "$1/old/a"; for i in 1 2 3 4 5 6 7 8 9; do : > "file$i"; : > "b/file$i"; : > "b/c/file$i"; done',
      base,
    );
    const flipper = await flipping(program, base, 'old/a/b', 'old/a/swap');
    await target.removeTree('/old').catch(() => {});
    await flipper.end();
    expect(listing(join(base, 'victim'))).toEqual(before);
    await target.removeTree('/old');
  }
}, 240_000);
