import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { askStorage } from '../../src/filesystems/storage.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { sh, temporary } from '../machine/temporary.ts';

/** A disk whose image lies on a file system that is full: what is written to it fails. Somebody has it open. */
async function fullDisk(): Promise<{ readonly device: string; readonly free: () => void }> {
  const folder = await temporary();
  const device = sh(
    `cd "$1"; mkdir disk; mount -t tmpfs -o size=8M tmpfs disk
     truncate -s 6M disk/image; losetup -f --show disk/image; dd if=/dev/zero of=disk/fill bs=64k 2>/dev/null || true`,
    folder,
  ).trim();
  const holder = sh('sleep 60 <>"$1" >/dev/null 2>&1 & echo $!', device).trim();
  onTestFinished(
    () =>
      // The kernel lets go of the disk a moment after its holder has ended.
      void sh(
        'kill "$1"; losetup -d "$2"; for try in 1 2 3 4 5 6 7 8 9 10; do umount "$3" 2>/dev/null && exit 0; sleep 1; done; exit 1',
        holder,
        device,
        join(folder, 'disk'),
      ),
  );
  return { device, free: () => void sh('rm "$1"', join(folder, 'disk/fill')) };
}

test('a disk that answers again is not called away for a write that failed before', async () => {
  const { device, free } = await fullDisk();
  sh('dd if=/dev/urandom of="$1" bs=4096 count=4 seek=100 conv=notrunc 2>/dev/null; sync', device);
  free();
  // What the kernel has kept for whoever reads next.
  const target = localTarget({ dryRun: true });
  expect(await askStorage(target, device)).toEqual({ answer: 'yes' });
});

test('a disk that goes on failing is an error, each time it is asked', async () => {
  const folder = await temporary({ image: '' });
  sh('truncate -s 1M "$1"', join(folder, 'image'));
  const device = sh('losetup -f --show "$1"', join(folder, 'image')).trim();
  onTestFinished(() => void sh('losetup -d "$1"', device));
  // The image is cut off under the disk: there is nothing to be read any more.
  sh('truncate -s 0 "$1"', join(folder, 'image'));
  const target = localTarget({ dryRun: true });
  for (const time of ['first', 'second'])
    expect([time, await askStorage(target, device)]).toEqual([
      time,
      { answer: 'error', detail: expect.stringContaining('Input/output error') },
    ]);
});

test('no device, and no disk behind its node', async () => {
  const target = localTarget({ dryRun: true });
  expect(await askStorage(target, undefined)).toEqual({ answer: 'no-device' });
  expect(await askStorage(target, join(await temporary(), 'sdz'))).toEqual({ answer: 'gone' });
});
