import { execFileSync } from 'node:child_process';
import { watch } from 'node:fs';
import { mkdir, open as openFile, readdir, readFile, readlink, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { isTemporaryName } from '../../src/machine/durable.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { put, sh, temporary, until } from './temporary.ts';

const open = (root: string) => rootTarget(root, { dryRun: false });

const umask = process.umask();
afterEach(() => process.umask(umask));

/** A file system that is full after a megabyte. */
async function smallDisk(): Promise<string> {
  const folder = await temporary();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=755', 'tmpfs', folder]);
  onTestFinished(() => void execFileSync('umount', [folder]));
  return folder;
}

describe('write', () => {
  test('sets content, mode and owner, also where the umask forbids, and leaves nothing beside', async () => {
    process.umask(0o077);
    const root = await temporary({ 'etc/conf': 'old' });
    await open(root).write('/etc/conf', 'new', { mode: 0o4751, uid: 1234, gid: 4321 });
    const status = await stat(join(root, 'etc/conf'));
    expect([status.mode & 0o7777, status.uid, status.gid]).toEqual([0o4751, 1234, 4321]);
    await open(root).write('/etc/plain', new Uint8Array([0, 255, 10]));
    expect(await readFile(join(root, 'etc/plain'))).toEqual(Buffer.from([0, 255, 10]));
    expect((await stat(join(root, 'etc/plain'))).mode & 0o7777).toBe(0o644);
    expect(await readdir(join(root, 'etc'))).toEqual(['conf', 'plain']);
  });

  test('a reader that has the old file open keeps it: it is replaced, not overwritten', async () => {
    const root = await temporary({ file: 'old' });
    const reader = await openFile(join(root, 'file'));
    await open(root).write('/file', 'newer');
    expect(await reader.readFile('utf8')).toBe('old');
    await reader.close();
    expect(await readFile(join(root, 'file'), 'utf8')).toBe('newer');
  });

  test('goes through a link to the guest’s file, and the link stays', async () => {
    const root = await temporary({ 'etc/real': 'old', 'etc/name': { link: '/etc/real' } });
    await open(root).write('/etc/name', 'new');
    expect(await readFile(join(root, 'etc/real'), 'utf8')).toBe('new');
    expect(await readlink(join(root, 'etc/name'))).toBe('/etc/real');
  });

  test('on a full disk fails, the old content stays, and no temporary file is left', async () => {
    const root = await smallDisk();
    await put(root, { file: 'old' });
    const write = open(root).write('/file', Buffer.alloc(2 * 1024 * 1024, 1));
    await expect(write).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await readFile(join(root, 'file'), 'utf8')).toBe('old');
    expect(await readdir(root)).toEqual(['file']);
  });

  test('where a folder has the name fails, and no temporary file is left', async () => {
    const root = await temporary({ 'name/inside': 'x' });
    await expect(open(root).write('/name', 'content')).rejects.toThrow();
    expect(await readdir(root)).toEqual(['name']);
  });
});

describe('copy', () => {
  test('keeps nanoseconds, mode, owner and extended attributes', async () => {
    const root = await temporary({ from: 'content', to: 'old' });
    sh(
      'chmod 4640 "$1"; chown 1234:4321 "$1"; chmod 4640 "$1"; setfattr -n user.origin -v distro "$1"; touch -d @1234567890.123456789 "$1"',
      join(root, 'from'),
    );
    await open(root).copy('/from', '/to');
    const copied = await open(root).stat('/to');
    expect(copied).toEqual({
      type: 'file',
      size: 7,
      mode: 0o4640,
      uid: 1234,
      gid: 4321,
      mtime: '1234567890.123456789',
    });
    expect(sh('getfattr --only-values -n user.origin "$1"', join(root, 'to'))).toBe('distro');
    expect(await readdir(root)).toEqual(['from', 'to']);
  });

  test('that fails leaves the old file and nothing beside it', async () => {
    const root = await smallDisk();
    await put(root, { to: 'old' });
    const from = await temporary({ large: Buffer.alloc(2 * 1024 * 1024, 1) });
    const target = localTarget({ dryRun: false });
    await expect(target.copy(join(from, 'large'), join(root, 'to'))).rejects.toThrow('No space left');
    await expect(target.copy(join(from, 'missing'), join(root, 'to'))).rejects.toThrow('no such file');
    expect(await readFile(join(root, 'to'), 'utf8')).toBe('old');
    expect(await readdir(root)).toEqual(['to']);
  });

  test('takes a name that looks like an option as a name', async () => {
    const root = await temporary({ '--help': 'content' });
    await open(root).copy('/--help', '/-f');
    expect(await readFile(join(root, '-f'), 'utf8')).toBe('content');
  });
});

describe('append', () => {
  test('adds to the end; a new file is the owner’s alone', async () => {
    const root = await temporary();
    await open(root).append('/journal', 'one\n');
    await open(root).append('/journal', 'two\n');
    expect(await readFile(join(root, 'journal'), 'utf8')).toBe('one\ntwo\n');
    expect((await stat(join(root, 'journal'))).mode & 0o777).toBe(0o600);
  });
});

describe('mkdir', () => {
  test('has the mode that was asked for under any umask', async () => {
    process.umask(0o077);
    const root = await temporary();
    await open(root).mkdir('/open', 0o755);
    process.umask(0);
    await open(root).mkdir('/closed', 0o700);
    const modes = await Promise.all(['open', 'closed'].map((name) => stat(join(root, name))));
    expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o755, 0o700]);
  });

  test('leaves a folder that is there as it is, and fails without a parent', async () => {
    const root = await temporary();
    await mkdir(join(root, 'there'), { mode: 0o711 });
    await open(root).mkdir('/there', 0o700);
    expect((await stat(join(root, 'there'))).mode & 0o777).toBe(0o711);
    await expect(open(root).mkdir('/no/parent', 0o700)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('links', () => {
  test('link takes the place of a file or a link, and never of a link’s target', async () => {
    const root = await temporary({ file: 'x', kept: 'kept', name: { link: 'kept' } });
    await open(root).link('/file', '/usr/lib');
    await open(root).link('/name', '../elsewhere');
    expect(await readlink(join(root, 'file'))).toBe('/usr/lib');
    expect(await readlink(join(root, 'name'))).toBe('../elsewhere');
    expect(await readFile(join(root, 'kept'), 'utf8')).toBe('kept');
    expect(await readdir(root)).toEqual(['file', 'kept', 'name']);
  });

  test('remove takes the link and not its target; what is not there is an error', async () => {
    const root = await temporary({ target: 'x', link: { link: 'target' } });
    await open(root).remove('/link');
    expect(await readdir(root)).toEqual(['target']);
    await expect(open(root).remove('/link')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('removeTree does not follow links, neither in the tree nor in its own place', async () => {
    const root = await temporary({ 'kept/file': 'x', 'gone/file': 'x', 'gone/out': { link: '../kept' } });
    await symlink(join(root, 'kept'), join(root, 'gone/absolute'));
    await symlink('kept', join(root, 'alias'));
    await open(root).removeTree('/gone');
    await open(root).removeTree('/alias');
    expect(await readdir(root)).toEqual(['kept']);
    expect(await readdir(join(root, 'kept'))).toEqual(['file']);
    await open(root).removeTree('/never-there');
  });
});

describe('hardLink', () => {
  test('gives a file a second name in place of what has it, and leaves nothing beside', async () => {
    const root = await temporary({ from: 'content', to: 'old', kept: 'kept', name: { link: 'kept' } });
    const { ino } = await stat(join(root, 'from'));
    for (const to of ['new', 'to', 'name', 'to']) {
      expect(await open(root).hardLink('/from', `/${to}`)).toBe(true);
      expect((await stat(join(root, to))).ino).toBe(ino);
    }
    expect(await readFile(join(root, 'kept'), 'utf8')).toBe('kept');
    expect(await readdir(root)).toEqual(['from', 'kept', 'name', 'new', 'to']);
  });

  test('answers false on another file system, and has done nothing', async () => {
    const root = await temporary({ from: 'content', 'disk/to': 'old' });
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(root, 'disk')]);
    onTestFinished(() => void execFileSync('umount', [join(root, 'disk')]));
    await put(root, { 'disk/to': 'old' });
    expect(await open(root).hardLink('/from', '/disk/to')).toBe(false);
    expect(await readFile(join(root, 'disk/to'), 'utf8')).toBe('old');
    expect(await readdir(join(root, 'disk'))).toEqual(['to']);
  });

  test('of a file that is not there, or onto a folder, fails and leaves nothing', async () => {
    const root = await temporary({ from: 'content', 'folder/inside': 'x' });
    await expect(open(root).hardLink('/missing', '/to')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(open(root).hardLink('/from', '/folder')).rejects.toThrow();
    expect(await readdir(root)).toEqual(['folder', 'from']);
  });
});

describe('rename', () => {
  test('moves a file or a link itself, in place of what has the name', async () => {
    const root = await temporary({ from: 'new', 'folder/to': 'old', kept: 'kept', name: { link: 'kept' } });
    await open(root).rename('/from', '/folder/to');
    await open(root).rename('/name', '/folder/name');
    expect(await readFile(join(root, 'folder/to'), 'utf8')).toBe('new');
    expect(await readlink(join(root, 'folder/name'))).toBe('kept');
    expect(await readdir(root)).toEqual(['folder', 'kept']);
  });

  test('leaves one name also where both are of one file', async () => {
    const root = await temporary({ from: 'content' });
    await open(root).hardLink('/from', '/to');
    await open(root).rename('/from', '/to');
    expect(await readdir(root)).toEqual(['to']);
    await open(root).rename('/to', '/to');
    expect(await readdir(root)).toEqual(['to']);
  });

  test('of what is not there fails', async () => {
    const root = await temporary({ to: 'old' });
    await expect(open(root).rename('/from', '/to')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readFile(join(root, 'to'), 'utf8')).toBe('old');
  });
});

test('freeSpace is that of the file system that a path would be made on', async () => {
  const root = await smallDisk();
  const free = await open(root).freeSpace('/not/yet/there');
  expect(free).toBeGreaterThan(900_000);
  expect(free).toBeLessThanOrEqual(1024 * 1024);
  await put(root, { file: Buffer.alloc(512 * 1024, 1) });
  expect(await open(root).freeSpace('/file')).toBe(free - 512 * 1024);
});

test('setMtime sets a file’s and a folder’s time to the nanosecond', async () => {
  const root = await temporary({ 'folder/file': 'x' });
  const target = open(root);
  for (const mtime of ['1700000000.000000001', '0.999999999', '1.000000000', '-1.250000001']) {
    await target.setMtime('/folder/file', mtime);
    await target.setMtime('/folder', mtime);
    expect((await target.stat('/folder/file'))?.mtime).toBe(mtime);
    expect((await target.stat('/folder'))?.mtime).toBe(mtime);
  }
});

test('an unfinished write’s name is known as one, a module’s and a person’s file are not', async () => {
  const root = await temporary();
  const seen = new Set<string>();
  const watcher = watch(root, (_, name) => seen.add(String(name)));
  onTestFinished(() => watcher.close());
  await open(root).write('/mptscsih.ko', 'content');
  await open(root).copy('/mptscsih.ko', '/copied.ko');
  await until(() => seen.size >= 4);
  const unfinished = [...seen].filter((name) => !name.endsWith('.ko'));
  expect([unfinished.length, unfinished.every(isTemporaryName)]).toEqual([2, true]);
  expect(['mptscsih.ko', '.mptscsih.ko.swp', 'x.tmp', '.a.mptfix-1.tmp'].some(isTemporaryName)).toBe(false);
});
