import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import type { WalkBounds } from '../../src/machine/port.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { takeTree } from '../../src/work/take-tree.ts';
import { failureOf, sh, temporary } from '../machine/temporary.ts';

const BOUNDS: WalkBounds = LIMITS.headers;
const machine = localTarget({ dryRun: true });

const ENTRIES = {
  'a/deep/file': 'x'.repeat(3 * 1024 * 1024),
  'a/program': '#!/bin/sh\n',
  'a/link': { link: '../../nowhere' },
  'a.file': '',
  'ünïcode ': 'a name\n',
} as const;

test('a copy has the files, folders and links, their hash, and of the modes whether they can be run', async () => {
  const root = await temporary(ENTRIES);
  sh('chmod 4711 "$1/a/program"; chmod 600 "$1/a.file"', root);
  const into = join(await temporary(), 'copy');
  const before = process.umask(0o077);
  const copied = await takeTree(rootTarget(root, { dryRun: true }), '/', { bounds: BOUNDS, into });
  process.umask(before);
  expect(execFileSync('diff', ['-r', '--no-dereference', root, into]).toString()).toBe('');
  const modes = ['a', 'a/program', 'a.file'].map((name) => statSync(join(into, name)).mode & 0o7777);
  expect(modes).toEqual([0o755, 0o755, 0o644]);
  expect(copied.links).toEqual([{ path: 'a/link', text: '../../nowhere' }]);
  expect(copied.isOpenToAll).toBe(false);
  expect((await takeTree(machine, root, { bounds: BOUNDS })).digest).toBe(copied.digest);
});

describe('what is too much is E_FILE_UNSAFE, at once:', () => {
  async function refused(script: string, bounds = BOUNDS): Promise<string> {
    const root = await temporary({ file: 'x' });
    sh(`cd "$1" && ${script}`, root);
    const into = join(await temporary(), 'copy');
    const { code, what } = await failureOf(
      takeTree(rootTarget(root, { dryRun: true }), '/', { bounds, into }),
    );
    expect(code).toBe('E_FILE_UNSAFE');
    return what;
  }

  test('entries', async () => {
    expect(await refused('seq 60 | xargs touch', { ...BOUNDS, entries: 50 })).toContain('more than 50 files');
  });
  test('bytes of one sparse file', async () => {
    expect(await refused('truncate -s 10G large')).toContain('bytes');
  });
  test('bytes of many files', async () => {
    const script = 'for n in $(seq 20); do head -c 1000 /dev/zero > $n; done';
    expect(await refused(script, { ...BOUNDS, bytes: 10_000 })).toContain('more than 10000 bytes');
  });
  test('folders in folders', async () => {
    expect(await refused('for n in $(seq 60); do mkdir d; cd d; done')).toContain('deep');
  });
  test('a device', async () => {
    expect(await refused('mkdir d && mknod d/disk b 7 200')).toMatch(/d\/disk.*a device/);
  });
});

test('a folder that becomes a link while it is read does not lead out', async () => {
  const [root, outside] = [await temporary(), await temporary({ secret: 'secret' })];
  for (let number = 0; number < 200; number += 1) mkdirSync(join(root, `d${number}`));
  const flip = `for n in $(seq 400); do for d in ${root}/d*; do rmdir $d && ln -s ${outside} $d; rm -f $d; mkdir $d; done; done`;
  const flipping = execFileSync.bind(undefined, 'sh', ['-c', `(${flip}) >/dev/null 2>&1 & echo $!`]);
  const pid = Number(flipping({ stdio: ['ignore', 'pipe', 'ignore'] }).toString());
  try {
    for (let turn = 0; turn < 200; turn += 1) {
      const into = join(await temporary(), 'copy');
      // A name that has gone meanwhile is an error, and no escape.
      await takeTree(rootTarget(root, { dryRun: true }), '/', { bounds: BOUNDS, into }).catch(() => {});
      expect(sh('find "$1" -name secret 2>/dev/null || true', into)).toBe('');
    }
  } finally {
    process.kill(pid, 'SIGKILL');
  }
});
