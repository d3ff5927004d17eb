import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { failureOf, sh, temporary } from './temporary.ts';

const open = (root: string) => rootTarget(root, { dryRun: true });

test('a tree’s name is the folder that was given; a missing one, or a file, is refused', async () => {
  const base = await temporary({ 'tree/etc/x': '', alias: { link: 'tree' } });
  const target = open(join(base, 'alias'));
  expect([target.kind, target.name]).toEqual(['root', join(base, 'alias')]);
  expect(await target.hostPath('/etc')).toBe(join(base, 'tree/etc'));
  for (const name of ['missing', 'tree/etc/x']) {
    const opened = Promise.resolve().then(() => open(join(base, name)));
    expect((await failureOf(opened)).code).toBe('E_TARGET_MISSING');
  }
});

test('what is not there reads as nothing, and never as this machine’s file', async () => {
  const root = await temporary({ 'etc/link': { link: '/etc/passwd' }, 'etc/file': 'x' });
  const target = open(root);
  expect(await target.readText('/etc/link', LIMITS.moduleBytes)).toBe(undefined);
  expect(await target.stat('/etc/link')).toBe(undefined);
  expect((await target.lstat('/etc/link'))?.type).toBe('link');
  expect(await target.stat('/etc/file/below')).toBe(undefined);
  expect([await target.list('/none'), await target.list('/etc/file')]).toEqual([[], []]);
  await expect(target.read('/none', LIMITS.moduleBytes)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('stat tells type, mode, owner and nanoseconds', async () => {
  const root = await temporary({ file: 'four' });
  sh(
    'chmod 2751 "$1"; chown 7:8 "$1"; chmod 2751 "$1"; touch -d @1111111111.000000007 "$1"',
    join(root, 'file'),
  );
  sh('mkfifo "$1/pipe"', root);
  const target = open(root);
  expect(await target.stat('/file')).toEqual({
    type: 'file',
    size: 4,
    mode: 0o2751,
    uid: 7,
    gid: 8,
    mtime: '1111111111.000000007',
  });
  expect((await target.stat('/pipe'))?.type).toBe('other');
  expect((await target.stat('/'))?.type).toBe('directory');
});

test.each(['-0.500000000', '-1.000000000', '-1.500000001', '-1000000000.000000001', '0.000000001'])(
  'a time of %s seconds is told as `touch` takes it',
  async (time) => {
    const root = await temporary({ file: '' });
    sh('touch -m -d "@$2" "$1"', join(root, 'file'), time);
    expect((await open(root).stat('/file'))?.mtime).toBe(time);
  },
);

test('names come sorted, and a hash is that of the content', async () => {
  const root = await temporary({ b: '', a: 'content', 'C/x': '' });
  const target = open(root);
  expect(await target.list('/')).toEqual(['C', 'a', 'b']);
  expect(await target.hash('/a', LIMITS.moduleBytes)).toBe(
    createHash('sha256').update('content').digest('hex'),
  );
});

test('a range may begin or end behind the file’s end', async () => {
  const target = open(await temporary({ file: '0123456789' }));
  const ranges = await Promise.all([
    target.readRange('/file', 0, 4),
    target.readRange('/file', 8, 50),
    target.readRange('/file', 50, 4),
  ]);
  expect(ranges.map(String)).toEqual(['0123', '89', '']);
});

describe('whether a folder may be written to is told with the reason:', () => {
  test('yes, or missing', async () => {
    const target = open(await temporary({ 'folder/x': '' }));
    expect([await target.writable('/folder'), await target.writable('/none')]).toEqual(['yes', 'missing']);
  });

  test('read-only', async () => {
    const root = await temporary({ 'folder/x': '' });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', join(root, 'folder')]);
    onTestFinished(() => void execFileSync('umount', [join(root, 'folder')]));
    expect(await open(root).writable('/folder')).toBe('read-only');
  });
});

test('this machine is a target whose root is /', async () => {
  const folder = await temporary({ file: 'x' });
  const target = localTarget({ dryRun: true });
  expect([target.kind, target.name]).toEqual(['local', 'this machine']);
  expect(await target.hostPath(join(folder, 'file'))).toBe(join(folder, 'file'));
  expect(await target.findProgram('sh')).toMatch(/\/bin\/sh$/);
  expect(await target.findProgram('no-such-program-anywhere')).toBe(undefined);
});

describe('a file in pieces', () => {
  test('is the file, each piece at its time', async () => {
    const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * 7 + (at >> 9)) % 251));
    const target = open(await temporary({ file: content, empty: '' }));
    const pieces: Buffer[] = [];
    for await (const piece of target.readChunks('/file', LIMITS.moduleBytes)) pieces.push(Buffer.from(piece));
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    for await (const piece of target.readChunks('/empty', LIMITS.moduleBytes))
      throw new Error(`a piece of nothing: ${piece.length}`);
  });

  test('may be left early, and one that is missing is an error', async () => {
    const target = open(await temporary({ file: 'x'.repeat(2_000_000) }));
    let seen = 0;
    for await (const piece of target.readChunks('/file', LIMITS.moduleBytes)) {
      seen += piece.length;
      break;
    }
    expect(seen).toBeGreaterThan(0);
    const missing = async () => {
      for await (const piece of target.readChunks('/none', LIMITS.moduleBytes)) seen += piece.length;
    };
    await expect(missing()).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('a stream gives what is there, and does not wait for more; none is opened in a tree', async () => {
  const folder = await temporary({ log: 'one\ntwo\n' });
  sh('mkfifo "$1/pipe"', folder);
  const target = localTarget({ dryRun: true });
  const file = await target.openStream(join(folder, 'log'));
  expect([file.read()?.toString(), file.read()]).toEqual(['one\ntwo\n', undefined]);
  file.close();
  const pipe = await target.openStream(join(folder, 'pipe'));
  expect(pipe.read()).toBe(undefined);
  pipe.close();
  await expect(target.openStream(join(folder, 'none'))).rejects.toThrow('ENOENT');
  const inTree = rootTarget(folder, { dryRun: true }).openStream('/pipe');
  expect((await failureOf(inTree)).code).toBe('E_FILE_UNSAFE');
});

test('the kernel’s messages come a record at a time, all of them', async () => {
  const stream = await localTarget({ dryRun: true }).openStream('/dev/kmsg');
  const first = stream.read()?.toString() ?? '';
  let count = 1;
  while (stream.read() !== undefined) count += 1;
  stream.close();
  expect(first).toMatch(/^\d+,\d+,\d+,[^;]*;/);
  expect(count).toBeGreaterThan(10);
});

test('of many that make one file at once a single one does, with all its content', async () => {
  const folder = await temporary();
  const target = rootTarget(folder, { dryRun: false });
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, index) => target.create('/lock', `run ${index}\n`)),
  );
  const winner = made.indexOf(true);
  expect(made.filter(Boolean).length).toBe(1);
  expect(await readFile(join(folder, 'lock'), 'utf8')).toBe(`run ${winner}\n`);
  expect(((await stat(join(folder, 'lock'))).mode & 0o777).toString(8)).toBe('600');
  expect(sh('ls -A "$1"', folder)).toBe('lock\n');
});

test('a dry run neither makes a file nor hands text to a device', async () => {
  const folder = await temporary({ device: '' });
  const target = rootTarget(folder, { dryRun: true });
  await expect(target.create('/x', 'x')).rejects.toThrow('dry run');
  const machine = localTarget({ dryRun: true });
  await expect(machine.emit(join(folder, 'device'), 'x')).rejects.toThrow('dry run');
  expect(sh('cat "$1/device"; ls "$1"', folder)).toBe('device\n');
});

test('the number of a device', async () => {
  expect((await rootTarget('/', { dryRun: true }).stat('/dev/null'))?.rdev).toBe('1:3');
});
