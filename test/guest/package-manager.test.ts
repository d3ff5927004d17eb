import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { unfinishedPackages } from '../../src/guest/dpkg-status.ts';
import { packageManagersAtWork } from '../../src/guest/package-manager.ts';
import { localTarget, rootTarget, treeTarget } from '../../src/machine/tree.ts';
import { put, sh, temporary, until } from '../machine/temporary.ts';
import { lockHolder, process as processOf } from './processes.ts';

const machine = localTarget({ dryRun: true });
const RELEASE = '6.1.0-9-amd64';
const IMAGE = `linux-image-${RELEASE}`;

/** The tree of a guest that is off. */
const guestAt = (root: string) => rootTarget(root, { dryRun: true });
/** The same files as a running machine has them. */
const running = (root: string) => treeTarget('local', root, 'test', { dryRun: true });

const DEBIAN = {
  'var/lib/dpkg/status': '',
  'var/lib/dpkg/updates/.keep': '',
  'var/lib/dpkg/info/format': '1\n',
};

/** The real dpkg, in the middle of installing a kernel's package into the tree. */
async function dpkgAtWork(root: string): Promise<ChildProcess> {
  const folder = await temporary({
    'deb/DEBIAN/control': `Package: ${IMAGE}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.org>\nDescription: x\n`,
    'deb/DEBIAN/postinst': '#!/bin/sh\n: > "$DPKG_ROOT/reached"; exec sleep 60\n',
  });
  sh('chmod 755 "$1/deb/DEBIAN/postinst"; dpkg-deb -b "$1/deb" "$1/x.deb"', folder);
  const dpkg = spawn('dpkg', [`--root=${root}`, '--force-script-chrootless', '-i', join(folder, 'x.deb')], {
    stdio: 'ignore',
    detached: true,
  });
  onTestFinished(() => killGroup(dpkg));
  await until(async () => (await guestAt(root).stat('/reached')) !== undefined);
  return dpkg;
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  } catch {
    // It has ended.
  }
}

describe('packageManagersAtWork', () => {
  it('sees the real dpkg by its locks, who holds them, and no longer when it is killed', async () => {
    const root = await temporary(DEBIAN);
    expect(await packageManagersAtWork(guestAt(root), machine)).toEqual([]);
    const dpkg = await dpkgAtWork(root);
    const found = await packageManagersAtWork(guestAt(root), machine);
    expect(found).toEqual(
      ['/var/lib/dpkg/lock', '/var/lib/dpkg/lock-frontend'].map((path) => ({
        manager: 'dpkg',
        path,
        pid: dpkg.pid,
        command: expect.stringMatching(/^dpkg --root=/),
      })),
    );
    expect(await packageManagersAtWork(running(root), machine)).toEqual(found);
    const ended = once(dpkg, 'exit');
    killGroup(dpkg);
    await ended;
    expect(await packageManagersAtWork(guestAt(root), machine)).toEqual([]);
  });

  it.each([
    '/var/lib/rpm/.rpm.lock',
    '/usr/lib/sysimage/rpm/.rpm.lock',
    '/var/lib/rpm/__db.000',
    '/var/lock/rpm/transaction',
  ])('sees a write lock of rpm on %s, and not a read lock', async (path) => {
    const root = await temporary({ [path]: '' });
    const reader = await lockHolder(join(root, path), 'F_RDLCK');
    expect(await packageManagersAtWork(guestAt(root), machine)).toEqual([]);
    reader.kill('SIGKILL');
    await once(reader, 'exit');
    const writer = await lockHolder(join(root, path), 'F_WRLCK');
    expect(await packageManagersAtWork(guestAt(root), machine)).toMatchObject([
      { manager: 'rpm', path, pid: writer.pid },
    ]);
  });

  it('sees it on overlayfs, where stat(2) and the lock table may name different devices', async () => {
    const root = await temporary({
      'lower/var/lib/rpm/.rpm.lock': '',
      'upper/x': '',
      'work/x': '',
      'tree/x': '',
    });
    sh(
      'rm "$1"/upper/x "$1"/work/x; mount -t overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" none "$1/tree"',
      root,
    );
    onTestFinished(() => void sh('umount "$1/tree"', root));
    const tree = join(root, 'tree');
    const holder = await lockHolder(join(tree, 'var/lib/rpm/.rpm.lock'), 'F_WRLCK');
    const found = await packageManagersAtWork(guestAt(tree), machine);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(found).toMatchObject([{ manager: 'rpm', pid: holder.pid }]);
  });

  it('does not take another file’s lock for the package manager’s', async () => {
    const root = await temporary({ 'var/lib/rpm/.rpm.lock': '', other: '' });
    await lockHolder(join(root, 'other'), 'F_WRLCK');
    expect(await packageManagersAtWork(guestAt(root), machine)).toEqual([]);
  });

  it.each([
    ['yum', '/var/run/yum.pid', '/usr/bin/python /usr/bin/yum update'],
    ['yum', '/var/run/yum.pid', '/usr/bin/python2.4 -tt /usr/sbin/yum-updatesd'],
    ['dnf', '/var/lib/dnf/rpmdb_lock.pid', '/usr/libexec/platform-python /bin/dnf upgrade'],
    ['zypp', '/var/run/zypp.pid', 'zypper up'],
    ['zypp', '/var/run/zypp.pid', '/usr/libexec/packagekitd'],
  ])('sees %s by %s and the program %s', async (manager, path, title) => {
    const { pid } = await processOf('$0 = $ARGV[0]', title);
    const root = await temporary({ [path]: `${pid}\n` });
    expect(await packageManagersAtWork(running(root), machine)).toEqual([
      { manager, path, pid, command: title },
    ]);
  });

  it('raises no alarm for a pid file that was left behind', async () => {
    const { pid: editor } = await processOf('$0 = $ARGV[0]', 'vim /var/log/yum.log');
    const gone = spawn('true');
    await once(gone, 'exit');
    // Process 2 is a thread of the kernel: it has no command line.
    for (const content of [
      editor,
      gone.pid,
      process.pid,
      2,
      99999999999,
      -1,
      '',
      '12\n13',
      'x'.repeat(1e6),
    ]) {
      const root = await temporary({ 'var/run/yum.pid': `${content}\n` });
      expect(await packageManagersAtWork(running(root), machine)).toEqual([]);
    }
  });

  it('takes a tree’s pid file for one of this machine’s only where that process works in the tree', async () => {
    const root = await temporary();
    const elsewhere = await processOf('$0 = "yum update"');
    await put(root, { 'var/run/yum.pid': `${elsewhere.pid}\n` });
    expect(await packageManagersAtWork(guestAt(root), machine)).toEqual([]);
    const inside = await processOf('chroot $ARGV[0] or die $!; chdir "/"; $0 = "yum update"', root);
    await put(root, { 'var/run/yum.pid': `${inside.pid}\n` });
    expect(await packageManagersAtWork(guestAt(root), machine)).toMatchObject([{ pid: inside.pid }]);
    const installer = await processOf('$0 = "yum --installroot=$ARGV[0] update"', root);
    await put(root, { 'var/run/yum.pid': `${installer.pid}\n` });
    expect(await packageManagersAtWork(guestAt(root), machine)).toMatchObject([{ pid: installer.pid }]);
  });

  it('tells a command line that would act on a terminal in plain words', async () => {
    const { pid } = await processOf('$0 = "yum \\e[2J\\nupdate"');
    const root = await temporary({ 'var/run/yum.pid': String(pid) });
    expect((await packageManagersAtWork(running(root), machine))[0]?.command).toBe('yum update');
  });

  it('finds nothing on a machine that shows neither locks nor processes', async () => {
    const root = await temporary({ 'var/lib/dpkg/lock': '', 'var/run/yum.pid': '1' });
    expect(await packageManagersAtWork(guestAt(root), guestAt(root))).toEqual([]);
  });
});

describe('unfinishedPackages', () => {
  it('tells what a killed dpkg has left, and nothing once it was ended', async () => {
    const root = await temporary(DEBIAN);
    const dpkg = await dpkgAtWork(root);
    const ended = once(dpkg, 'exit');
    killGroup(dpkg);
    await ended;
    expect(await unfinishedPackages(guestAt(root), RELEASE)).toEqual([
      'dpkg was interrupted: /var/lib/dpkg/updates holds changes that it had not recorded yet',
    ]);
    sh('dpkg --root="$1" --audit', root);
    sh(
      ': > "$1/var/lib/dpkg/info/$2.postinst"; rm "$1/var/lib/dpkg/info/$2.postinst"; dpkg --root="$1" --configure -a',
      root,
      IMAGE,
    );
    expect(await unfinishedPackages(guestAt(root), RELEASE)).toEqual([]);
    expect(sh('dpkg --root="$1" -s "$2"', root, IMAGE)).toContain('\nStatus: install ok installed\n');
  });

  it.each([
    ['install ok half-installed', /started and not finished/],
    ['install ok unpacked', /not configured/],
    ['install reinstreq half-configured', /configuration was started/],
    ['install ok triggers-pending', /may rebuild the initramfs/],
  ])('tells the state %s', async (state, words) => {
    const root = await temporary({
      'var/lib/dpkg/status': `Package: ${IMAGE}-dbg\nStatus: install ok unpacked\n\nPackage: ${IMAGE}\nStatus: ${state}\nVersion: 1\n`,
    });
    const [problem, ...more] = await unfinishedPackages(guestAt(root), RELEASE);
    expect(problem).toMatch(words);
    expect(more).toEqual([]);
  });

  it.each([
    'install ok installed',
    'deinstall ok config-files',
    'unknown ok not-installed',
    'x',
    'a b constructor',
  ])('has nothing to say of the state %s', async (state) => {
    const root = await temporary({ 'var/lib/dpkg/status': `Package: ${IMAGE}\nStatus: ${state}\n` });
    expect(await unfinishedPackages(guestAt(root), RELEASE)).toEqual([]);
  });

  it('has nothing to say where there is no dpkg', async () => {
    expect(await unfinishedPackages(guestAt(await temporary()), RELEASE)).toEqual([]);
  });
});
