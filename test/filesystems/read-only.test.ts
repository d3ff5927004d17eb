import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type MountLine, readOnlyStates, type SuperblockErrors } from '../../src/filesystems/read-only.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { sh, temporary } from '../machine/temporary.ts';

const machine = localTarget({ dryRun: true });
const PATHS = ['/lib/modules', '/boot', '/var/lib'];

/** This machine's mount table, as util-linux reads it. */
function mounts(): readonly MountLine[] {
  const columns = ['MAJ:MIN', 'TARGET', 'VFS-OPTIONS', 'FS-OPTIONS', 'FSTYPE', 'SOURCE'];
  const listed = JSON.parse(sh('findmnt --list --json --nofsroot --output "$1"', columns.join(','))) as {
    filesystems: Record<string, string>[];
  };
  return listed.filesystems.map((line) => ({
    device: (line['maj:min'] ?? '').trim(),
    mountPoint: line.target ?? '',
    mountOptions: (line['vfs-options'] ?? '').split(','),
    superOptions: (line['fs-options'] ?? '').split(','),
    fsType: line.fstype ?? '',
    source: line.source ?? '',
  }));
}

/** s_state and s_error_count of `struct ext4_super_block`. */
function superblock(device: Buffer, fsType: string): SuperblockErrors | undefined {
  if (fsType !== 'ext4' || device.readUInt16LE(1024 + 0x38) !== 0xef53) return undefined;
  return {
    errorFlag: (device.readUInt16LE(1024 + 0x3a) & 2) !== 0,
    errorCount: device.readUInt32LE(1024 + 0x194),
  };
}

const states = (root: string, read = superblock) =>
  readOnlyStates(rootTarget(root, { dryRun: true }), machine, {
    paths: PATHS,
    mounts: mounts(),
    superblock: read,
  });

interface Disk {
  readonly root: string;
  readonly image: string;
  mount(options: string): void;
  unmount(): void;
  /** The kernel's own error path, as if a write had failed. */
  breakIt(): void;
}

/** A real ext4 on a loop device, with a guest's folders. */
async function disk(options = 'errors=remount-ro'): Promise<Disk> {
  const folder = await temporary({ 'root/x': '' });
  const root = join(folder, 'root');
  const image = join(folder, 'disk.img');
  sh('truncate -s 16M "$1"; mkfs.ext4 -q "$1"', image);
  const unmount = (): void => {
    sh('while mountpoint -q "$1"; do umount "$1"; done', root);
  };
  const mount = (how: string): void => {
    sh('mount -o "loop,$1" "$2" "$3"', how, image, root);
  };
  onTestFinished(unmount);
  mount(options);
  for (const path of PATHS) mkdirSync(join(root, path), { recursive: true });
  return {
    root,
    image,
    mount,
    unmount,
    breakIt: () =>
      sh('echo 1 > "/sys/fs/ext4/$(basename "$(findmnt -n -o SOURCE "$1")")/trigger_fs_error"', root),
  };
}

describe('readOnlyStates', () => {
  it('has nothing to say of a file system that is well', async () => {
    expect(await states((await disk()).root)).toEqual([]);
    expect(await states(await temporary())).toEqual([]);
  });

  it('tells a real ext4 that met an error, by all that shows it, until it is checked', async () => {
    const { root, image, breakIt, unmount, mount } = await disk();
    breakIt();
    const [state, ...more] = await states(root);
    expect(more).toEqual([]);
    expect(state).toMatchObject({
      paths: PATHS,
      mountPoint: root,
      device: expect.stringMatching(/^\/dev\/loop\d+$/),
      // By the kernel's age: see the type.
      state: expect.stringMatching(/^(read-only|emergency|errors)$/),
    });
    expect(state?.evidence.join('\n')).toMatch(/the kernel has counted 1 errors on loop\d+/);
    expect(state?.evidence.join('\n')).toContain('the error flag');
    unmount();
    mount('rw');
    // A new mount looks healthy, and is not.
    expect(await states(root)).toMatchObject([{ state: 'errors' }]);
    unmount();
    sh('e2fsck -fy "$1" || test $? = 1', image);
    mount('rw');
    expect(await states(root)).toEqual([]);
  });

  it('tells it with errors=continue too, where the mount table shows nothing', async () => {
    const { root, breakIt } = await disk('errors=continue');
    breakIt();
    expect(await states(root)).toMatchObject([{ state: 'errors', paths: PATHS }]);
    // Also where this user may not read the device, or its superblock is not known.
    const [state] = await states(root, () => undefined);
    expect(state?.evidence).toEqual([expect.stringMatching(/^the kernel has counted 1 errors/)]);
  });

  it('tells a file system that was shut down', async () => {
    const { root } = await disk();
    sh(
      `perl -e 'open(my $f, "<", $ARGV[0]) or die $!; my $how = pack("L", 2); ioctl($f, 0x8004587d, $how) or die $!' "$1"`,
      root,
    );
    const [state] = await states(root);
    // Linux before 6.15 shows it nowhere but in what it has counted.
    const shown = mounts()
      .find(({ mountPoint }) => mountPoint === root)
      ?.superOptions.includes('shutdown');
    expect(state?.state).toBe(shown === true ? 'shutdown' : undefined);
  });

  it('tells one that is mounted read-only, and which folders it holds', async () => {
    const { root, mount, unmount } = await disk();
    sh('mount -t tmpfs none "$1/boot"; mount -o remount,ro "$1/boot"', root);
    onTestFinished(() => void sh('umount "$1/boot"', root));
    expect(await states(root)).toEqual([
      {
        paths: ['/boot'],
        mountPoint: join(root, 'boot'),
        device: 'none',
        state: 'read-only',
        evidence: ['the file system has the option ro', 'this mount of it has the option ro'],
      },
    ]);
    sh('umount "$1/boot"', root);
    unmount();
    mount('ro');
    expect(await states(root)).toMatchObject([{ paths: PATHS, state: 'read-only' }]);
    sh('mount -t tmpfs none "$1/boot"', root);
  });

  it('tells a read-only bind of a file system that takes writes elsewhere', async () => {
    const { root } = await disk();
    sh('mount --bind "$1/lib" "$1/lib"; mount -o remount,bind,ro "$1/lib"', root);
    onTestFinished(() => void sh('umount "$1/lib"', root));
    expect(await states(root)).toMatchObject([
      { paths: ['/lib/modules'], evidence: ['this mount of it has the option ro'] },
    ]);
  });

  it('looks at the mount that hides another in its place, and at no neighbour with a longer name', async () => {
    const { root } = await disk();
    mkdirSync(join(root, 'boot-old'));
    sh(
      'mount -t tmpfs -o ro none "$1/boot-old"; mount -t tmpfs -o ro none "$1/boot"; mount -t tmpfs none "$1/boot"',
      root,
    );
    onTestFinished(() => void sh('umount "$1/boot"; umount "$1/boot"; umount "$1/boot-old"', root));
    expect(await states(root)).toEqual([]);
  });

  it('says nothing where the mount table says nothing', async () => {
    const root = await temporary();
    const guest = rootTarget(root, { dryRun: true });
    expect(await readOnlyStates(guest, machine, { paths: PATHS, mounts: [], superblock })).toEqual([]);
  });
});
