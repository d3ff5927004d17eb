import { chmod, lchown, lstat, mkdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localTarget } from '../src/machine/tree.ts';
import { foreignPlace } from '../src/owned.ts';
import { temporary } from './machine/temporary.ts';

const place = (path: string) => foreignPlace(localTarget({ dryRun: true }), path, [0]);

test('each link on the way is looked at, and what it leads to', async () => {
  const base = await temporary({ 'own/file': '', 'theirs/file': '' });
  const at = (name: string): string => join(base, name);
  await lchown(at('theirs'), 1000, 1000);
  await symlink('own', at('to-own'));
  await symlink('../theirs', at('own/to-theirs'));
  await symlink('own', at('their-link'));
  await lchown(at('their-link'), 1000, 1000);
  await symlink('loop', at('loop'));
  expect(await place(at('to-own/file'))).toBeUndefined();
  expect(await place(at('to-own/../own/./file'))).toBeUndefined();
  expect(await place(at('own/to-theirs/file'))).toBe(at('theirs'));
  expect(await place(at('their-link/file'))).toBe(at('their-link'));
  expect(await place(at('loop/file'))).toBe(at('loop'));
  expect([(await lstat(at('their-link'))).uid, await readlink(at('loop'))]).toEqual([1000, 'loop']);
});

test('others may add to a folder with the sticky bit, and change no name of root’s in it', async () => {
  const base = await temporary();
  await mkdir(join(base, 'tmp'));
  await chmod(join(base, 'tmp'), 0o1777);
  for (const name of ['own', 'theirs']) await writeFile(join(base, 'tmp', name), '');
  await lchown(join(base, 'tmp/theirs'), 1000, 1000);
  expect(await place(join(base, 'tmp/own'))).toBeUndefined();
  expect(await place(join(base, 'tmp/theirs'))).toBe(join(base, 'tmp/theirs'));
  await chmod(join(base, 'tmp'), 0o777);
  expect(await place(join(base, 'tmp/own'))).toBe(join(base, 'tmp'));
});
