import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FILE_SYSTEM_FACTS } from '../../../lab/trial/file-systems.ts';
import { content, readBack } from '../../../lab/trial/read-back.ts';
import { FILE_SYSTEMS, type FileSystem } from '../../../lab/trial/record.ts';
import { localTarget } from '../../../src/machine/tree.ts';

const MARK = '6.1-amd64 ext4 patched 1';

/** A folder with `disk`, an image as a trial makes it, with the files of these writes; and what `readBack` finds there. */
function disk(fileSystem: FileSystem, files: Readonly<Record<number, Buffer>>) {
  const folder = mkdtempSync('/var/tmp/mptfix-read-back-');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const image = join(folder, 'disk');
  const { make, imageSize } = FILE_SYSTEM_FACTS[fileSystem];
  execFileSync('truncate', ['-s', imageSize, image]);
  execFileSync(make[0], [...make.slice(1), image]);
  const from = join(folder, 'from');
  mkdirSync(from);
  for (const [number, bytes] of Object.entries(files)) writeFileSync(join(from, `file${number}`), bytes);
  const script = 'mount -o loop "$1" /mnt && cp "$2"/* /mnt && umount /mnt';
  execFileSync('unshare', ['--mount', 'sh', '-e', '-c', script, 'sh', image, from]);
  const machine = localTarget({ dryRun: false });
  const read = (numbers: readonly number[]) =>
    readBack(machine, folder, { image, fileSystem, mark: MARK }, numbers);
  return { image, read };
}

describe('content', () => {
  it('is 4096 bytes, other ones for each write and each trial', () => {
    expect(content(MARK, 1).length).toBe(4096);
    expect(content(MARK, 1).toString('utf8', 0, 50)).toMatch(
      /^mptfix lab, 6\.1-amd64 ext4 patched 1, write 1\nmpt/,
    );
    expect(content(MARK, 1).equals(content(MARK, 2))).toBe(false);
  });

  it('is what the guest makes', () => {
    const script = 'mark=$1; yes "mptfix lab, $mark, write $2" | head -c 4096';
    expect(execFileSync('busybox', ['sh', '-c', script, 'sh', MARK, '7'])).toEqual(content(MARK, 7));
  });
});

describe('readBack', () => {
  it.each(FILE_SYSTEMS)('finds all of it the same, and nothing damaged: %s', async (fileSystem) => {
    const { read } = disk(fileSystem, { 1: content(MARK, 1), 2: content(MARK, 2) });
    const { readBack: all, differs, fsck } = await read([1, 2]);
    expect([all, differs, fsck.status, fsck.clean]).toEqual(['same', [], 0, true]);
  });

  it('names what is another content, cut short, or missing, of the writes that had succeeded', async () => {
    const { read } = disk('ext4', {
      1: content(MARK, 1),
      2: content('another trial', 2),
      3: content(MARK, 3).subarray(0, 100),
      9: Buffer.from('of a write that failed'),
    });
    expect(await read([1, 2, 3, 4])).toMatchObject({ readBack: 'different', differs: [2, 3, 4] });
  });

  it('says that a disk without a file system cannot be read, and that it is not clean', async () => {
    const { image, read } = disk('ext4', { 1: content(MARK, 1) });
    writeFileSync(image, Buffer.alloc(4 << 20));
    const { readBack: all, fsck } = await read([1]);
    expect([all, fsck.clean]).toEqual(['unreadable', false]);
  });

  it('notices damage', async () => {
    const { image, read } = disk('ext4', { 1: content(MARK, 1) });
    execFileSync('debugfs', ['-w', '-R', 'clri file1', image], { stdio: 'ignore' });
    expect((await read([])).fsck).toMatchObject({ program: 'e2fsck', clean: false });
  });
});
