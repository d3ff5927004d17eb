import { execFileSync, spawn } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/hash.ts';
import { range } from '../helpers/attack.ts';
import { RELEASE } from '../helpers/buildable-guest.ts';
import { openTransaction } from '../helpers/hostile-tree.ts';

const { victim, tree, attack } = range();

/** Swaps two names, until it is killed. */
const FLIPPER = `#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
int main(int count, char **words)
{
	for (;;)
		renameat2(AT_FDCWD, words[1], AT_FDCWD, words[2], RENAME_EXCHANGE);
}
`;

test('an undo of two thousand files, while somebody swaps their folder for a link out of the tree, writes none outside', async () => {
  const { base, folder } = victim();
  writeFileSync(join(base, 'flip.c'), FLIPPER);
  execFileSync('gcc', ['-O1', '-o', join(base, 'flip'), join(base, 'flip.c')]);
  const { root } = tree();
  const host = join(folder, 'etc/cron.d');
  const kernel = `lib/modules/${RELEASE}/kernel`;
  mkdirSync(join(root, kernel, 'app'));
  symlinkSync(host, join(root, kernel, 'link'));
  // In the tree the link leads to a folder of the tree: whichever of the two is there, there is something to write to.
  mkdirSync(join(root, host), { recursive: true });
  const kept = 'of the guest\n';
  const original = {
    size: kept.length,
    mode: '0644',
    uid: 0,
    gid: 0,
    mtime: '1700000000.000000000',
    sha256: sha256(kept),
  };
  for (let round = 1; round <= 8; round += 1) {
    const steps = Array.from({ length: 300 }, (_, index) => {
      const path = `/${kernel}/app/f${index}.ko`;
      const files = [{ path, original: { path, ...original }, backup: 'kept' }];
      return { kind: 'module', like: path, files };
    });
    openTransaction(
      {
        at: (path) => join(root, path),
        put: (path, content) => {
          mkdirSync(join(root, path, '..'), { recursive: true });
          writeFileSync(join(root, path), content);
        },
      },
      'install',
      round,
      steps,
    );
    const originals = join(root, 'var/lib/mptfix/generations', String(round), 'originals');
    mkdirSync(originals, { recursive: true, mode: 0o700 });
    writeFileSync(join(originals, 'kept'), kept);
    execFileSync('touch', ['-d', `@${original.mtime}`, join(originals, 'kept')]);
    const flipper = spawn(join(base, 'flip'), ['app', 'link'], { cwd: join(root, kernel), stdio: 'ignore' });
    try {
      const { harm, run } = await attack(['rollback', '--root', root, '--yes', '--force']);
      expect(harm.filter((line) => !/process \d+ .*flip/.test(line))).toEqual([]);
      expect(run.stderr).not.toMatch(/E_STATE_UNSAFE|E_TREE_IN_USE/);
    } finally {
      flipper.kill('SIGKILL');
    }
  }
  // They were written: into either folder of the tree.
  const folders = [join(root, kernel, 'app'), join(root, kernel, 'link'), join(root, host)].filter(
    (place) => !lstatSync(place).isSymbolicLink(),
  );
  const files = folders.flatMap((place) => readdirSync(place)).filter((name) => name.endsWith('.ko'));
  expect(files.length).toBeGreaterThan(250);
});
