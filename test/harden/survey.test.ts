import { expect, test } from 'vitest';
import { adviceOn } from '../../src/harden/advice.ts';
import { survey } from '../../src/harden/survey.ts';
import { treeTarget } from '../../src/machine/tree.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';
import { type Entries, temporary } from '../machine/temporary.ts';

/** A SCSI disk as sysfs shows it: a link to its own folder, named by its address. */
function scsi(name: string, host: number, driver: string, timeout: string): Entries {
  const address = `devices/pci0000:00/host${host}/target${host}:0:0/${host}:0:0:0`;
  return {
    [`sys/${address}/timeout`]: timeout,
    [`sys/${address}/vendor`]: 'VMware  \n',
    [`sys/${address}/model`]: 'Virtual disk    \n',
    [`sys/block/${name}/device`]: { link: `../../${address}` },
    [`sys/class/scsi_host/host${host}/proc_name`]: `${driver}\n`,
  };
}

async function surveyOf(
  entries: Entries,
  verdict: 'affected' | 'fixed',
  base: string | undefined = '2.6.18',
) {
  const target = treeTarget('local', await temporary(entries), 'a guest', { dryRun: true });
  return survey(target, { base, verdict }, []);
}

const MIXED: Entries = {
  ...scsi('sda', 0, 'mptspi', '30\n'),
  ...scsi('sdb', 1, 'vmw_pvscsi', '180\n'),
  ...scsi('sdc', 2, 'virtio_scsi', '30\n'),
  ...scsi('sdd', 3, 'megaraid', 'garbage\u001B[2J\n'),
  'sys/block/nvme0n1/queue/io_timeout': '30000\n',
  'sys/block/vda/size': '1\n',
  'sys/block/loop0/size': '1\n',
  'sys/block/dm-0/size': '1\n',
};

test('a mount point that is none is an error that lists those that are there; nothing is done then', async () => {
  const root = await temporary({
    'etc/fstab':
      '/dev/sda1 / ext3 defaults 1 1\n/dev/sda2 /data/ ext3 defaults 1 2\n/dev/cdrom /mnt/cdrom iso9660 ro 0 0\n',
    'etc/redhat-release': 'CentOS release 5.11 (Final)\n',
  });
  const before = listing(root);
  const harden = (...words: readonly string[]) => mptfix(['harden', '--json', '--root', root, ...words]);
  const actions = [[], ['--apply', 'errors=remount-ro', '--yes'], ['--apply', 'errors=panic', '--dry-run']];
  for (const words of actions) {
    for (const place of ['/nope', '/mnt/cdrom', '']) {
      const run = await harden(...words, '--mount-point', '/data', '--mount-point', place);
      expect([run.status, json(run).error]).toEqual([
        3,
        expect.objectContaining({
          code: 'E_MOUNT_MISSING',
          what: expect.stringContaining(`no file system of a disk at ${JSON.stringify(place)}`),
          next: 'give --mount-point one of: /, /data',
        }),
      ]);
    }
  }
  expect(listing(root)).toEqual(before);
  const shown = await harden('--mount-point', '/data/');
  expect([
    shown.status,
    json(shown).fileSystems.map((one: { mountPoint: string }) => one.mountPoint),
  ]).toEqual([0, ['/data']]);
});

test('each disk’s timeout in force, and how long its I/O outlasts a BUSY by what its driver does', async () => {
  const { disks } = await surveyOf(MIXED, 'affected');
  expect(
    disks.map(({ name, bus, driver, timeoutSeconds, survives }) => [
      name,
      bus,
      driver,
      timeoutSeconds,
      survives,
    ]),
  ).toEqual([
    ['nvme0n1', 'nvme', 'nvme', 30, null],
    ['sda', 'scsi', 'mptspi', 30, 0],
    ['sdb', 'scsi', 'vmw_pvscsi', 180, 1080],
    ['sdc', 'scsi', 'virtio_scsi', 30, 0],
    ['sdd', 'scsi', 'megaraid', null, null],
    ['vda', 'virtio', 'virtio_blk', null, null],
  ]);
  const fixed = await surveyOf(scsi('sda', 0, 'mptspi', '180\n'), 'fixed');
  expect(fixed.disks[0]?.survives).toBe(1080);
  expect((await surveyOf(scsi('sda', 0, 'mptsas', '30\n'), 'fixed', '2.6.9')).disks[0]?.survives).toBe(
    'unbounded',
  );
});

test('advice says what should be different: the timeout in force counts, not the rule', async () => {
  const found = await surveyOf(
    {
      ...scsi('sda', 0, 'mptspi', '30\n'),
      'etc/udev/rules.d/99-vmware-scsi-udev.rules':
        'ACTION=="add", SUBSYSTEMS=="scsi", RUN+="/bin/sh -c \'echo 180 >/sys$DEVPATH/timeout\'"\n',
    },
    'affected',
  );
  expect(adviceOn(found)).toEqual([
    'sda: a timeout of 30 s is shorter than a path failover may take; VMware advises 180',
    'sda: a udev rule sets a timeout other than the one in force (30 s): the rule does not work for this disk',
    'sda: its driver (mptspi) gives up on BUSY at once, whatever the timeout is',
  ]);
  expect(adviceOn(await surveyOf(scsi('sda', 0, 'vmw_pvscsi', '180\n'), 'fixed'))).toEqual([]);
});
