import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Target } from '../../src/machine/port.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { failureOf, sh, temporary } from './temporary.ts';

const LIMIT = 4096;

/** What may have a file's place, and how it gets there. */
const KINDS: Readonly<Record<string, (path: string) => Promise<void> | void>> = {
  'a FIFO that nobody writes to': (path) => void sh('mkfifo "$1"', path),
  'a character device without an end': (path) => void sh('mknod "$1" c 1 5', path),
  'a block device': (path) => void sh('mknod "$1" b 7 0', path),
  'a terminal': (path) => void sh('mknod "$1" c 5 0', path),
  'a socket': async (path) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close());
  },
  'a folder': (path) => mkdirSync(path),
  'links in a circle': (path) => symlinkSync(path.replace(/.*\//, ''), path),
  'a sparse file of 10 GB': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 10 * 1024 ** 3);
  },
  'a file of one byte too many': (path) => writeFileSync(path, Buffer.alloc(LIMIT + 1)),
};

const READS: Readonly<Record<string, (target: Target, path: string) => Promise<unknown>>> = {
  read: (target, path) => target.read(path, LIMIT),
  readText: (target, path) => target.readText(path, LIMIT),
  hash: (target, path) => target.hash(path, LIMIT),
  readChunks: async (target, path) => {
    for await (const piece of target.readChunks(path, LIMIT)) expect(piece.length).toBe(0);
  },
};

/** These take no limit: a range is one, and a program reads its input piece by piece. */
const UNBOUNDED: typeof READS = {
  readRange: (target, path) => target.readRange(path, 0, 16),
  'a program’s input': (target, path) =>
    target.run(['head', '-c', '16'], { effect: 'read', stdinFile: path }),
};

describe.each(['tree', 'local'] as const)('of a %s', (kind) => {
  const opened = (folder: string): [Target, string] =>
    kind === 'tree'
      ? [rootTarget(folder, { dryRun: true }), '/file']
      : [localTarget({ dryRun: true }), join(folder, 'file')];

  for (const [what, make] of Object.entries(KINDS)) {
    test(`${what} is no file: every reader says so at once`, async () => {
      const folder = await temporary();
      await make(join(folder, 'file'));
      const [target, path] = opened(folder);
      const isFile = what.includes('file of');
      const isDisk = kind === 'local' && what === 'a block device';
      const readers = { ...READS, ...(isFile ? {} : UNBOUNDED) };
      const before = (await readdir('/proc/self/fd')).length;
      for (const [reader, read] of Object.entries(readers)) {
        if (isDisk && reader === 'readRange') continue;
        const failure = await failureOf(read(target, path));
        expect([reader, failure.code, failure.what.includes(path)]).toEqual([reader, 'E_FILE_UNSAFE', true]);
      }
      expect((await readdir('/proc/self/fd')).length).toBe(before);
      rmSync(join(folder, 'file'), { recursive: true });
    });
  }

  test('a file of just the limit is read', async () => {
    const content = 'x'.repeat(LIMIT);
    const folder = await temporary({ file: content });
    const [target, path] = opened(folder);
    expect(await target.readText(path, LIMIT)).toBe(content);
    expect((await target.read(path, LIMIT)).length).toBe(LIMIT);
  });
});

test('files of /proc tell no size: they are read to their end, but not further than the limit', async () => {
  const target = localTarget({ dryRun: true });
  expect(await target.readText('/proc/self/mounts', 1024 * 1024)).toMatch(/ \/proc proc /);
  expect((await failureOf(target.read('/proc/kallsyms', LIMIT))).code).toBe('E_FILE_UNSAFE');
});

test('a tree’s /dev/zero is not this machine’s, and neither is a folder with too many names a folder', async () => {
  const folder = await temporary({ 'many/x': '' });
  sh('mkdir "$1/dev"; mknod "$1/dev/zero" c 1 5; cd "$1/many"; seq 100001 | xargs touch', folder);
  const target = rootTarget(folder, { dryRun: true });
  expect((await failureOf(target.readRange('/dev/zero', 0, 1))).code).toBe('E_FILE_UNSAFE');
  expect((await failureOf(target.list('/many'))).code).toBe('E_FILE_UNSAFE');
});
