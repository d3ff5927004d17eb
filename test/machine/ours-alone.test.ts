import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isOnOwnDisk, isOursAlone } from '../../src/machine/ours-alone.ts';
import { sh, temporary } from './temporary.ts';

test.each([true, false])(
  'a folder of ours below folders of root and sticky ones is ours alone',
  async (isHere) => {
    const root = await temporary({ 'a/b/file': 'x' });
    sh('chmod 1777 "$1/a"', root);
    expect(await isOursAlone(join(root, 'a/b'), isHere)).toBe(true);
  },
);

test.each([
  ['another owns it', 'chown 12345 "$1/a/b"'],
  ['another owns a folder above', 'chown 12345 "$1/a"'],
  ['others may write to a folder above', 'chmod 777 "$1/a"'],
  ['others may write to it, though it is sticky', 'chmod 1777 "$1/a/b"'],
  ['a link is in its path', 'mv "$1/a" "$1/real"; ln -s real "$1/a"'],
  ['it is not there', 'rm -r "$1/a/b"'],
  ['it is a file', 'rm -r "$1/a/b"; touch "$1/a/b"'],
])('but not where %s', async (_, change) => {
  const root = await temporary({ 'a/b/file': 'x' });
  sh(change, root);
  for (const isHere of [true, false]) expect(await isOursAlone(join(root, 'a/b'), isHere)).toBe(false);
});

describe('a folder lies on a disk of this kernel’s own', () => {
  const at = (place: string, type: string) => ({ place, type });

  test.each([
    ['an ext4 of the whole machine', '/srv/guest', [at('/', 'ext4')], true],
    ['a mounted image', '/mnt/usr/src', [at('/', 'overlay'), at('/mnt', 'xfs')], true],
    ['a share of another machine', '/mnt/usr', [at('/', 'ext4'), at('/mnt', 'nfs4')], false],
    ['what a program shows', '/mnt/usr', [at('/', 'ext4'), at('/mnt', 'fuse.sshfs')], false],
    ['layers whose files have other names too', '/usr', [at('/', 'overlay')], false],
    ['a mount over another', '/mnt/a', [at('/', 'ext4'), at('/mnt', 'nfs'), at('/mnt', 'ext4')], true],
    ['a mount under another', '/mnt/a', [at('/', 'ext4'), at('/mnt', 'ext4'), at('/mnt', 'nfs')], false],
    ['something mounted below it', '/mnt/a', [at('/', 'ext4'), at('/mnt/a/include', 'ext4')], false],
    ['a neighbour with a longer name', '/mnt/a', [at('/', 'ext4'), at('/mnt/ab', 'nfs')], true],
    ['no table', '/mnt/a', [], false],
  ])('%s', (_, folder, mounts, expected) => {
    expect(isOnOwnDisk(folder, mounts)).toBe(expected);
  });
});
