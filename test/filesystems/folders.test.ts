import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FolderState, folderStates } from '../../src/filesystems/folders.ts';
import { readOwnMounts } from '../../src/guest/mounts.ts';
import { localTarget, rootTarget } from '../../src/machine/tree.ts';
import { sh, temporary } from '../machine/temporary.ts';

const machine = localTarget({ dryRun: true });
const PATHS = ['/lib/modules', '/boot', '/var/lib'];

/** The folders' file systems that do not take writes as they should, as `look` sees this machine. */
async function states(root: string, look: typeof machine = machine) {
  const guest = rootTarget(root, { dryRun: true });
  const found = await folderStates(guest, look, PATHS, await readOwnMounts(machine));
  return found.filter(({ state }) => state !== 'writable');
}

const words = (state: FolderState | undefined): readonly string[] =>
  state?.evidence.flatMap(({ bad, state: speaksFor, detail }) =>
    bad || speaksFor !== undefined ? [detail] : [],
  ) ?? [];

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

describe('folderStates', () => {
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
      folders: PATHS,
      mountPoint: root,
      source: expect.stringMatching(/^\/dev\/loop\d+$/),
      // By the kernel's age: some show it in the mount table.
      state: expect.stringMatching(/^(aborted|flagged)$/),
    });
    expect(words(state).join('\n')).toMatch(/ext4 counts 1 error\b/);
    expect(words(state).join('\n')).toContain('the error flag');
    unmount();
    mount('rw');
    // A new mount looks healthy, and is not.
    expect(await states(root)).toMatchObject([{ state: 'flagged' }]);
    unmount();
    sh('e2fsck -fy "$1" || test $? = 1', image);
    mount('rw');
    expect(await states(root)).toEqual([]);
  });

  it('tells it with errors=continue too, where the mount table shows nothing', async () => {
    const { root, breakIt } = await disk('errors=continue');
    breakIt();
    expect(await states(root)).toMatchObject([{ state: 'flagged', folders: PATHS }]);
    // Also where this user may not read the device, or its superblock is not known.
    const readRange = () => Promise.reject(new Error('EACCES'));
    const [state] = await states(root, { ...machine, readRange });
    expect(words(state)).toEqual([expect.stringMatching(/^ext4 counts 1 error\b/)]);
  });

  it('tells a file system that was shut down', async () => {
    const { root } = await disk();
    sh(
      `perl -e 'open(my $f, "<", $ARGV[0]) or die $!; my $how = pack("L", 2); ioctl($f, 0x8004587d, $how) or die $!' "$1"`,
      root,
    );
    const [state] = await states(root);
    // Linux before 6.15 shows it nowhere but in what it has counted.
    const shown = (await readOwnMounts(machine))
      .find(({ mountPoint }) => mountPoint === root)
      ?.superOptions.includes('shutdown');
    expect(state?.state).toBe(shown === true ? 'shutdown' : undefined);
  });

  it('tells one that is mounted read-only, and which folders it holds', async () => {
    const { root, mount, unmount } = await disk();
    sh('mount -t tmpfs none "$1/boot"; mount -o remount,ro "$1/boot"', root);
    onTestFinished(() => void sh('umount "$1/boot"', root));
    const [state, ...more] = await states(root);
    expect([more, state, words(state)]).toEqual([
      [],
      expect.objectContaining({
        folders: ['/boot'],
        mountPoint: join(root, 'boot'),
        source: 'none',
        state: 'unexplained-ro',
      }),
      ['is read-only (ro in the mount table); it was mounted read-write'],
    ]);
    sh('umount "$1/boot"', root);
    unmount();
    mount('ro');
    expect(await states(root)).toMatchObject([{ folders: PATHS, state: 'remounted-ro' }]);
    sh('mount -t tmpfs none "$1/boot"', root);
  });

  it('tells a read-only bind of a file system that takes writes elsewhere', async () => {
    const { root } = await disk();
    sh('mount --bind "$1/lib" "$1/lib"; mount -o remount,bind,ro "$1/lib"', root);
    onTestFinished(() => void sh('umount "$1/lib"', root));
    const [state, ...more] = await states(root);
    expect([more, state?.folders, state?.state, words(state)]).toEqual([
      [],
      ['/lib/modules'],
      'mount-ro',
      ['takes writes, but this mount of it is read-only'],
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
    expect(await folderStates(guest, machine, PATHS, [])).toEqual([]);
  });
});
