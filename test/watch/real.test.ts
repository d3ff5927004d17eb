import { expect, test } from 'vitest';
import { json } from '../helpers/cli.ts';
import { type Machine, machine, mountImage } from './machine.ts';

interface Watched {
  readonly mountPoint: string;
  readonly state: string;
  readonly intended: unknown;
  readonly probe: string | null;
  readonly evidence: readonly { readonly kind: string; readonly state: string; readonly detail: string }[];
}

async function look(
  on: Machine,
  ...args: readonly string[]
): Promise<{ readonly status: number; readonly of: (name: string) => Watched }> {
  const run = await on.mptfix(['watch', 'once', '--json', ...args]);
  const found: readonly Watched[] = json(run).fileSystems;
  const of = (name: string): Watched => {
    const one = found.find(({ mountPoint }) => mountPoint === `${on.folder}/${name}`);
    if (one === undefined) throw new Error(`${name} is not watched: ${run.stdout}${run.stderr}`);
    return one;
  };
  return { status: run.status, of };
}

const kinds = ({ evidence }: Watched): readonly string[] => evidence.map(({ kind }) => kind);

test.each(['ext4', 'ext3'])('%s that the kernel gave up on is found by the next run', async (type) => {
  const on = await machine();
  const loop = mountImage(on, 'data', `mkfs.${type} -q -F`, 'errors=remount-ro');
  const before = await look(on);
  expect([before.status, before.of('data').state]).toEqual([0, 'ok']);
  on.sh(`echo 1 > /sys/fs/ext4/${loop}/trigger_fs_error`);
  const after = await look(on);
  expect([after.status, after.of('data').state]).toEqual([10, 'read-only']);
  expect(kinds(after.of('data'))).toEqual(expect.arrayContaining(['mount-table', 'kernel-log']));
  on.sh('umount data; e2fsck -fy data.img >/dev/null 2>&1 || [ $? -eq 1 ]; mount -o loop data.img data');
  const repaired = await look(on, '--probe');
  expect([repaired.status, repaired.of('data').state, repaired.of('data').probe]).toEqual([0, 'ok', 'ok']);
});

test('ext4 that goes on after errors shows them by its counter alone, as a warning', async () => {
  const on = await machine();
  const loop = mountImage(on, 'data', 'mkfs.ext4 -q -F', 'errors=continue');
  await look(on);
  on.sh(`echo 1 > /sys/fs/ext4/${loop}/trigger_fs_error`);
  const after = await look(on);
  expect([after.status, after.of('data').state, kinds(after.of('data'))]).toEqual([
    0,
    'errors',
    ['ext4-errors'],
  ]);
  expect((await on.mptfix(['watch', 'once', '--nagios'])).status).toBe(1);
});

test('an ext4 whose errors are older than the first run of this boot is no news to it', async () => {
  const on = await machine();
  const loop = mountImage(on, 'data', 'mkfs.ext4 -q -F', 'errors=continue');
  on.sh(`echo 1 > /sys/fs/ext4/${loop}/trigger_fs_error; umount data`);
  // The superblock's time of the last error, and of the first, long before this machine was started.
  on.sh('debugfs -w -R "ssv last_error_time 1000000000" data.img 2>/dev/null; mount -o loop data.img data');
  const { of } = await look(on);
  expect([of('data').state, of('data').evidence]).toEqual(['ok', []]);
});

test('XFS that shut down is found, although its mount shows nothing of it', async () => {
  const on = await machine();
  mountImage(on, 'data', 'mkfs.xfs -q', 'rw', '300M');
  await look(on);
  on.sh('xfs_io -x -c shutdown data');
  expect(on.sh('findmnt -no OPTIONS data')).toMatch(/^rw/);
  const after = await look(on, '--probe');
  expect([after.status, after.of('data').state, after.of('data').probe]).toEqual([10, 'shut-down', 'EIO']);
  expect(kinds(after.of('data'))).toEqual(['kernel-log', 'probe']);
  on.sh('umount data; mount -o loop data.img data');
  const repaired = await look(on);
  expect([repaired.status, repaired.of('data').state]).toEqual([0, 'ok']);
});

/** A disk that takes no more writes: its image lies on a file system that is full. */
test.each([
  ['btrfs', 'mkfs.btrfs -q', '150M'],
  ['ext4', 'mkfs.ext4 -q -F', '150M'],
])('%s on a disk whose writes fail', async (_, mkfs, size) => {
  const on = await machine();
  on.sh('mkdir disk; mount -t tmpfs -o size=180M tmpfs disk');
  on.sh(
    `truncate -s ${size} disk/data.img; ${mkfs} disk/data.img >/dev/null 2>&1; mkdir data; mount -o loop disk/data.img data`,
  );
  expect((await look(on, '--probe')).of('data')).toMatchObject({ state: 'ok', probe: 'ok' });
  on.sh('dd if=/dev/zero of=disk/fill bs=1M >/dev/null 2>&1 || true');
  on.sh(
    'for n in 1 2 3; do dd if=/dev/urandom of=data/file$n bs=1M count=20 conv=fsync 2>/dev/null || true; sync; done',
  );
  const after = await look(on, '--probe');
  expect([after.status, ['EIO', 'EROFS'].includes(after.of('data').probe ?? '')]).toEqual([10, true]);
  expect(kinds(after.of('data'))).toContain('probe');
});

test('what is read-only on purpose is no alarm', async () => {
  const on = await machine();
  mountImage(on, 'data', 'mkfs.ext4 -q -F');
  mountImage(on, 'fixed', 'mkfs.ext4 -q -F', 'ro');
  on.sh('mkdir bind; mount --bind data bind; mount -o remount,bind,ro bind');
  on.sh('mkdir src squash union lower; echo x > src/x');
  on.sh('mksquashfs src s.img -quiet >/dev/null; mount -o loop s.img squash');
  on.sh('mount -t overlay -o lowerdir=src:lower overlay union');
  on.sh(
    'cp /etc/fstab fstab; echo "$PWD/fixed.img $PWD/fixed ext4 loop,ro 0 0" >> fstab; mount --bind fstab /etc/fstab',
  );
  const { status, of } = await look(on, '--probe');
  expect([status, of('data').state]).toEqual([0, 'ok']);
  const places = ['fixed', 'squash', 'union'];
  expect(places.map((name) => [name, of(name).state, of(name).evidence])).toEqual(
    places.map((name) => [name, 'ok', []]),
  );
  expect(of('fixed').intended).toEqual({ readOnly: expect.stringContaining('ro in fstab, line') });
});
