import { describe, expect, it } from 'vitest';
import { driverInUse } from '../../src/guest/in-use.ts';
import { type Entries, treeTarget } from './tree.ts';

/** A disk as sysfs shows it: the block device's link `device` ends at host:channel:id:lun. */
function disk(name: string, address: string, timeout?: string): Entries {
  const host = address.split(':')[0];
  const device = `/sys/devices/pci0000:00/0000:00:10.0/host${host}/target${address.slice(0, -2)}/${address}`;
  return {
    [`${device}/vendor`]: 'VMware  \n',
    ...(timeout === undefined ? {} : { [`${device}/timeout`]: timeout }),
    [`/sys/block/${name}/device`]: {
      link: `../../devices/pci0000:00/0000:00:10.0/host${host}/target${address.slice(0, -2)}/${address}`,
    },
  };
}

const host = (number: number, driver: string): Entries => ({
  [`/sys/class/scsi_host/host${number}/proc_name`]: `${driver}\n`,
});

const LOADED: Entries = { '/sys/module/mptscsih/refcnt': '1\n' };

const PROC_SCSI = `Attached devices:
Host: scsi0 Channel: 00 Id: 00 Lun: 00
  Vendor: VMware   Model: Virtual disk     Rev: 1.0
  Type:   Direct-Access                    ANSI SCSI revision: 02
Host: scsi1 Channel: 00 Id: 00 Lun: 00
  Vendor: NECVMWar Model: VMware IDE CDR10 Rev: 1.00
  Type:   CD-ROM                           ANSI SCSI revision: 05
`;

describe('driverInUse', () => {
  it('finds the disks on hosts of the driver, with their timeouts', async () => {
    const target = await treeTarget({
      ...LOADED,
      ...host(0, 'ata_piix'),
      ...host(2, 'mptspi'),
      ...disk('sda', '2:0:0:0', '180\n'),
      ...disk('sdb', '2:0:1:0', 'none\n'),
      ...disk('sdc', '0:0:0:0', '30\n'),
      ...disk('sr0', '2:0:2:0', '30\n'),
      '/sys/block/loop0/size': '0\n',
    });
    expect(await driverInUse(target)).toEqual({
      inUse: true,
      hosts: [{ host: 2, driver: 'mptspi' }],
      disks: [
        { name: 'sda', host: 2, timeoutSeconds: 180 },
        { name: 'sdb', host: 2 },
      ],
      loaded: true,
      source: 'sysfs',
    });
  });

  it.each(['mptspi', 'mptsas', 'mptfc', 'mptscsih', 'mptscsi'])('knows hosts named %s', async (driver) => {
    const use = await driverInUse(await treeTarget({ ...host(0, driver), ...disk('sda', '0:0:0:0') }));
    expect(use).toMatchObject({
      inUse: true,
      hosts: [{ host: 0, driver }],
      disks: [{ name: 'sda', host: 0 }],
    });
  });

  it('does not take a later driver of LSI, or host 12 for host 1', async () => {
    const target = await treeTarget({
      ...host(1, 'mptspi'),
      ...host(12, 'mpt3sas'),
      ...disk('sda', '12:0:0:0'),
    });
    expect(await driverInUse(target)).toMatchObject({
      inUse: false,
      hosts: [{ host: 1 }],
      disks: [],
      loaded: true,
    });
  });

  it.each([
    ['the module is there', LOADED, true],
    ['RHEL 4’s module is there', { '/sys/module/mptscsi/refcnt': '0' }, true],
    [
      '/proc/modules names it',
      { '/proc/modules': 'ext3 1 0 -\nmptscsih 2 1 mptspi, Live\n', '/sys/module/a/b': '' },
      true,
    ],
    ['/proc/modules names another', { '/proc/modules': 'xmptscsih 2 1 mptscsih_x, Live\n' }, false],
    ['other modules are there', { '/sys/module/ext4/refcnt': '1' }, false],
    ['nothing tells', {}, null],
  ] as const)('has no disk and no host; loaded where %s', async (_what, entries, loaded) => {
    const use = await driverInUse(await treeTarget({ ...host(0, 'ahci'), ...entries }));
    expect(use).toEqual({ inUse: false, hosts: [], disks: [], loaded, source: 'sysfs' });
  });

  it('has no such host where sysfs has no kind of SCSI host', async () => {
    const use = await driverInUse(await treeTarget({ '/sys/class/net/lo/mtu': '65536\n' }));
    expect(use).toMatchObject({ inUse: false, source: 'sysfs' });
  });

  it('passes over a disk that is being detached and a host without a name', async () => {
    const target = await treeTarget({
      ...host(0, 'mptspi'),
      '/sys/class/scsi_host/host1/unique_id': '2\n',
      '/sys/block/sda/device': { link: '../../devices/gone/0:0:0:0' },
    });
    expect(await driverInUse(target)).toMatchObject({ inUse: false, hosts: [{ host: 0 }], disks: [] });
  });

  it('reads /proc of kernels 2.4, which tells hosts but not names', async () => {
    const target = await treeTarget({ '/proc/scsi/mptscsih/0': '', '/proc/scsi/scsi': PROC_SCSI });
    expect(await driverInUse(target)).toEqual({
      inUse: true,
      hosts: [{ host: 0, driver: 'mptscsih' }],
      disks: [],
      loaded: true,
      source: 'procfs',
    });
  });

  it('does not take a CD drive in /proc for a disk', async () => {
    const target = await treeTarget({ '/proc/scsi/mptscsih/1': '', '/proc/scsi/scsi': PROC_SCSI });
    expect(await driverInUse(target)).toMatchObject({ inUse: false, hosts: [{ host: 1 }] });
  });

  it('sees in /proc/mpt alone that no SCSI host is there', async () => {
    const target = await treeTarget({ '/proc/mpt/version': '', '/proc/modules': 'mptbase 1 0\n' });
    expect(await driverInUse(target)).toEqual({
      inUse: false,
      hosts: [],
      disks: [],
      loaded: false,
      source: 'procfs',
    });
  });

  it('cannot tell without /sys and /proc', async () => {
    expect(await driverInUse(await treeTarget({}))).toEqual({
      inUse: null,
      hosts: [],
      disks: [],
      loaded: null,
      source: 'none',
    });
  });

  it('takes folders that refuse to be read as empty', async () => {
    const refuse = () => Promise.reject(new Error('EACCES'));
    const use = await driverInUse({ kind: 'local', readText: refuse, list: refuse, hostPath: refuse });
    expect(use).toMatchObject({ inUse: null, loaded: null, source: 'none' });
  });

  it('does not look into a guest’s tree, where /sys is the controller’s', async () => {
    const target = await treeTarget(
      { ...LOADED, ...host(0, 'mptspi'), ...disk('sda', '0:0:0:0', '30') },
      'root',
    );
    expect(await driverInUse(target)).toMatchObject({ inUse: null, loaded: null, source: 'none' });
  });
});
