import { LIMITS } from '../limits.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target, TargetReads } from '../machine/port.ts';
import type { Disk } from './document.ts';

export type { Disk };

type DiskReads = Pick<TargetReads, 'readText' | 'list' | 'hostPath'>;

interface Bus {
  readonly names: RegExp;
  readonly bus: Disk['bus'];
  readonly read: (target: DiskReads, name: string) => Promise<Omit<Disk, 'name' | 'bus'>>;
}

const BUSES: readonly Bus[] = [
  { names: /^sd[a-z]{1,4}$/, bus: 'scsi', read: scsiDisk },
  { names: /^nvme\d{1,3}n\d{1,3}$/, bus: 'nvme', read: nvmeDisk },
  { names: /^vd[a-z]{1,4}$/, bus: 'virtio', read: virtioDisk },
];

/**
 * The disks of a running guest, by sysfs; empty where there is none (kernels 2.4) and for a guest's tree, whose /sys,
 * if it has one, is the controller's own. What cannot be read is null.
 */
export async function readDisks(target: DiskReads & Pick<Target, 'kind'>): Promise<readonly Disk[]> {
  if (!traitsOf(target).isRunning) return [];
  const disks: Disk[] = [];
  for (const name of await target.list('/sys/block').catch(() => [])) {
    const bus = BUSES.find(({ names }) => names.test(name));
    if (bus !== undefined) disks.push({ name, bus: bus.bus, ...(await bus.read(target, name)) });
  }
  return disks;
}

async function scsiDisk(target: DiskReads, name: string): Promise<Omit<Disk, 'name' | 'bus'>> {
  const device = `/sys/block/${name}/device`;
  const timeoutPath = `${device}/timeout`;
  return {
    driver: await hostDriver(target, name),
    timeoutSeconds: await wholeNumber(target, timeoutPath),
    timeoutPath,
    model:
      `${await firstLine(target, `${device}/vendor`)} ${await firstLine(target, `${device}/model`)}`.trim(),
  };
}

/**
 * The SCSI host of a disk. The link `device` ends at the disk's own folder, which every kernel with sysfs names
 * host:channel:id:lun.
 */
export async function scsiHostOf(target: DiskReads, disk: string): Promise<number | undefined> {
  const folder = await target.hostPath(`/sys/block/${disk}/device`).catch(() => '');
  const host = /\/(\d{1,6}):\d+:\d+:\d+\/?$/.exec(folder)?.[1];
  return host === undefined ? undefined : Number(host);
}

async function hostDriver(target: DiskReads, disk: string): Promise<string | null> {
  const host = await scsiHostOf(target, disk);
  if (host === undefined) return null;
  return (await firstLine(target, `/sys/class/scsi_host/host${host}/proc_name`)) || null;
}

/** The timeout is per disk, in milliseconds, from Linux 5.0 on; before, one value in seconds for all. */
async function nvmeDisk(target: DiskReads, name: string): Promise<Omit<Disk, 'name' | 'bus'>> {
  const milliseconds = await wholeNumber(target, `/sys/block/${name}/queue/io_timeout`);
  const seconds =
    milliseconds === null
      ? await wholeNumber(target, '/sys/module/nvme_core/parameters/io_timeout')
      : Math.round(milliseconds / 1000);
  return {
    driver: 'nvme',
    timeoutSeconds: seconds,
    timeoutPath: null,
    model: await firstLine(target, `/sys/block/${name}/device/model`),
  };
}

async function virtioDisk(): Promise<Omit<Disk, 'name' | 'bus'>> {
  return { driver: 'virtio_blk', timeoutSeconds: null, timeoutPath: null, model: '' };
}

async function wholeNumber(target: DiskReads, path: string): Promise<number | null> {
  const text = await firstLine(target, path);
  return /^\d{1,10}$/.test(text) ? Number(text) : null;
}

/** The first line of a file, printable ASCII only; empty where there is none. */
export async function firstLine(target: Pick<TargetReads, 'readText'>, path: string): Promise<string> {
  const text = (await target.readText(path, LIMITS.kernelBytes).catch(() => undefined)) ?? '';
  return (text.split('\n')[0] ?? '').replace(/[^\x20-\x7e]/g, '').trim();
}

/** The kernel's names of the block devices, in both directions, and what the device mapper calls them. */
export interface BlockDevices {
  /** `8:1` → `sda1`. */
  readonly nameOf: ReadonlyMap<string, string>;
  /** `sda1` → `8:1`. */
  readonly numberOf: ReadonlyMap<string, string>;
}

/** From /proc/partitions, which every kernel since 2.0 has; a device without a medium is not in it. */
export async function blockDevices(target: Pick<TargetReads, 'readText'>): Promise<BlockDevices> {
  const nameOf = new Map<string, string>();
  for (const line of ((await target.readText('/proc/partitions', LIMITS.kernelBytes)) ?? '').split('\n')) {
    const [, major, minor, name] = /^\s*(\d{1,7})\s+(\d{1,7})\s+\d+\s+(\S+)/.exec(line) ?? [];
    // devfs of 2.4 shows paths here: the last part is what messages call the device.
    if (name !== undefined) nameOf.set(`${major}:${minor}`, name.slice(name.lastIndexOf('/') + 1));
  }
  return { nameOf, numberOf: new Map([...nameOf].map(([number, name]) => [name, number])) };
}

/**
 * The device mapper's name of `dm-0`, such as `vg-root`; undefined where it is none. Kernels before 2.6.29 do not
 * show it in sysfs; there /dev/mapper has a node with the same number.
 */
export async function mapperName(
  target: Pick<TargetReads, 'readText' | 'list' | 'stat'>,
  name: string,
  number: string | undefined,
): Promise<string | undefined> {
  if (!/^dm-\d+$/.test(name)) return undefined;
  const shown = (await target.readText(`/sys/block/${name}/dm/name`, LIMITS.kernelBytes))?.trim();
  if (shown !== undefined && shown !== '') return shown;
  for (const entry of await target.list('/dev/mapper')) {
    const node = await target.stat(`/dev/mapper/${entry}`).catch(() => undefined);
    if (node?.rdev !== undefined && node.rdev === number) return entry;
  }
  return undefined;
}
