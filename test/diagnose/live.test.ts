import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { sh, temporary } from '../machine/temporary.ts';

describe('this machine’s own kernel log', () => {
  test('tells of a real ext4 that took its error path, with the place where it is mounted', async () => {
    const folder = await temporary({ 'mnt/x': '' });
    const mountPoint = join(folder, 'mnt');
    sh(
      'truncate -s 16M "$1/image"; mkfs.ext4 -q "$1/image"; mount -o loop,errors=remount-ro "$1/image" "$2"',
      folder,
      mountPoint,
    );
    onTestFinished(() => void sh('umount "$1"', mountPoint));
    const device = basename(sh('findmnt -no SOURCE "$1"', mountPoint).trim());
    const since = Date.now() / 1000 - 1;
    sh('echo "$2" > "/sys/fs/ext4/$1/trigger_fs_error"', device, 'mptfix-live-test');

    const found = json(await mptfix(['diagnose', '--json', '--since', `@${since.toFixed(3)}`]));
    const hits = found.incidents.flatMap(
      (incident: { fileSystems: { device: string }[] }) => incident.fileSystems,
    );
    expect(hits.filter((hit: { device: string }) => hit.device === device)).toEqual([
      { device, mountPoint, effect: 'journal-aborted' },
    ]);
    const texts = found.incidents.flatMap(({ timeline }: { timeline: { text: string }[] }) =>
      timeline.map(({ text }) => text),
    );
    expect(texts).toContainEqual(
      expect.stringMatching(new RegExp(`EXT4-fs error \\(device ${device}\\).*mptfix-live-test`)),
    );
    expect(found.read).toContain('the kernel’s buffer (/dev/kmsg, dmesg)');
  });

  test('as dmesg prints it, with and without dates, decodes to the same messages', async () => {
    const folder = await temporary();
    // One snapshot, printed in three ways: other tests may write to the log meanwhile.
    sh(
      'cd "$1"; dmesg -r > raw; dmesg -F raw > plain; dmesg -T -F raw > dates; dmesg -x -F raw > levels',
      folder,
    );
    const counts = async (name: string) => {
      const run = json(await mptfix(['diagnose', '--json', join(folder, name)]));
      return run.incidents.reduce((sum: number, { messages }: { messages: number }) => sum + messages, 0);
    };
    expect(readFileSync(join(folder, 'plain'), 'utf8')).toMatch(/^\[/);
    const plain = await counts('plain');
    expect(plain).toBeGreaterThan(0);
    expect([await counts('raw'), await counts('levels'), await counts('dates')]).toEqual([
      plain,
      plain,
      plain,
    ]);
  });
});
