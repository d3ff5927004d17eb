import { describe, expect, test } from 'vitest';
import { fileSystems } from '../../src/filesystems/file-systems.ts';
import { observe, parseKernelLog } from '../../src/filesystems/observe.ts';
import { rootTarget, treeTarget } from '../../src/machine/tree.ts';
import { recovery, reportOf } from '../../src/recover/report.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { temporary } from '../machine/temporary.ts';
import { GUESTS } from './guests.ts';

/** Init system, and what the last steps for the root file system say, by guest. */
const WANTED: Readonly<Record<string, readonly [init: string, reboot: RegExp, command: string]>> = {
  'RHEL 4': ['sysvinit-redhat', /add forcefsck to the kernel’s command line/, 'reboot'],
  'RHEL 5': ['sysvinit-redhat', /add forcefsck .*\/fastboot/, 'reboot'],
  'CentOS 6': ['upstart-redhat', /add forcefsck to the kernel’s command line/, 'reboot'],
  'SLES 10': ['sysvinit-suse', /add forcefsck to the kernel’s command line/, 'reboot'],
  'Debian 7': ['sysvinit-debian', /add forcefsck to the kernel’s command line/, 'reboot'],
  'Ubuntu 12.04': ['upstart', /^reboot; make sure that none of fastboot is there/, 'reboot'],
  'RHEL 7': ['systemd', /^reboot: mounting it again replays its log$/, 'systemctl reboot'],
  'something else': ['unknown', /^reboot$/, 'reboot'],
};

describe('the steps for a root file system that the kernel gave up, on', () => {
  for (const [guest, [init, words, command]] of Object.entries(WANTED)) {
    test(guest, async () => {
      const target = rootTarget(await temporary(GUESTS[guest]), { dryRun: true });
      const found = await recovery(target, ['/']);
      expect([found.init, found.fileSystems.length]).toEqual([init, 1]);
      const steps = found.fileSystems[0]?.steps ?? [];
      const reboot = steps.find(({ title }) => title.startsWith('reboot'));
      expect(reboot?.title).toMatch(words);
      expect(reboot?.commands.map((one) => one.join(' '))).toEqual([command]);
      expect(steps.some(({ action }) => action !== undefined)).toBe(false);
      const all = steps.flatMap(({ commands }) => commands.map((one) => one.join(' ')));
      expect(all.filter((one) => /remount|fsck -y|fsck\S* -f \/dev|touch/.test(one))).toEqual([]);
    });
  }
});

test('a root that fstab’s last field keeps from being checked is warned of', async () => {
  const target = rootTarget(await temporary(GUESTS['Debian 7']), { dryRun: true });
  const titles = (await recovery(target, ['/'])).fileSystems[0]?.steps.map(({ title }) => title);
  expect(titles).toContain('note the last field of /etc/fstab, line 1: it is 0');
});

test('a root of XFS is mounted anew by a reboot, and checked from a rescue medium only if that fails', async () => {
  const target = rootTarget(await temporary(GUESTS['RHEL 7']), { dryRun: true });
  const step = (await recovery(target, ['/'])).fileSystems[0]?.steps.find(({ title }) =>
    title.includes('rescue'),
  );
  expect(step?.commands.map((one) => one.join(' '))).toEqual([
    'mount /dev/sda1 /mnt',
    'umount /mnt',
    'xfs_repair -n /dev/sda1',
  ]);
});

test('any other file system is unmounted, checked and mounted', async () => {
  const target = rootTarget(await temporary(GUESTS['RHEL 5']), { dryRun: true });
  const commands = (await recovery(target, ['/data'])).fileSystems[0]?.steps.flatMap((step) => step.commands);
  expect(commands?.map((one) => one.join(' ')).slice(-4)).toEqual([
    'fuser -v -m /data',
    'umount /data',
    'e2fsck -f /dev/sdb1',
    'mount /data',
  ]);
});

test('recover --root prints them, and one document with --json', async () => {
  const root = await temporary(GUESTS['CentOS 6']);
  const page = await mptfix(['recover', '--root', root]);
  expect([page.status, page.stderr]).toEqual([0, '']);
  expect(page.stdout).toContain('add forcefsck to the kernel’s command line, once');
  const document = json(await mptfix(['recover', '--root', root, '--json']));
  expect([document.schema, document.init, document.fileSystems.length]).toEqual([
    'mptfix.recover/1',
    'upstart-redhat',
    2,
  ]);
});

/** The running guest of CentOS 6.5 whose root the kernel gave up, by its own files. */
test('a running guest with an aborted root of 2.6.32 is told from its mount table alone', async () => {
  const root = await temporary({
    ...GUESTS['CentOS 6'],
    'proc/1/mountinfo': '15 1 8:1 / / rw,relatime - ext4 /dev/sda1 ro,barrier=1,data=ordered\n',
    'sys/fs/ext4/sda1/errors_count': '0\n',
  });
  const target = treeTarget('local', root, 'a guest', { dryRun: true });
  const [report] = (await recovery(target, [])).fileSystems;
  expect(report?.state).toBe('aborted');
  expect(report?.remountRefused).toContain(
    'the kernel itself made it read-only: the mount’s own flag is still rw',
  );
  expect(report?.steps.at(-2)?.why).toContain('/forcefsck cannot be created on a read-only root');
});

/** The root of a running guest with these options in its mount table, and this in its kernel's log. */
async function running(guest: string, options: string, log: string) {
  const root = await temporary({
    ...GUESTS[guest],
    'proc/1/mountinfo': `15 1 8:1 / / rw,relatime - ext4 /dev/sda1 ${options}\n`,
    'sys/dev/block/8:1': { link: '../../devices/pci0/block/sda/sda1' },
  });
  const target = treeTarget('local', root, 'a guest', { dryRun: true });
  const [fileSystem] = await fileSystems(target);
  if (fileSystem === undefined) throw new Error('nothing is mounted');
  const { init } = await recovery(target, []);
  return reportOf(await observe(target, { ...fileSystem, name: 'sda1' }, parseKernelLog(log)), init, false);
}

test('a root that the kernel gave up and still calls rw, as 6.1 does, is told by its log; no file is to be made on it', async () => {
  const aborted = await running('Ubuntu 12.04', 'rw', '[    5.100000] Aborting journal on device sda1-8.\n');
  expect(aborted.state).toBe('aborted');
  expect(aborted.steps.flatMap(({ commands }) => commands.map(([program]) => program))).not.toContain(
    'touch',
  );
  const flagged = await running(
    'Ubuntu 12.04',
    'rw,errors=continue',
    '[    5.100000] EXT4-fs error (device sda1): x:1: comm y: z\n',
  );
  expect(flagged.state).toBe('flagged');
  expect(flagged.steps.flatMap(({ commands }) => commands.map((one) => one.join(' ')))).toContain(
    'touch /forcefsck',
  );
});
