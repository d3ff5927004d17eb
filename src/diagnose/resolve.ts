import { blockDevices, mapperName } from '../guest/disks.ts';
import { readFstab } from '../guest/fstab.ts';
import { readMounts } from '../guest/mounts.ts';
import { graver } from '../kernel-log/effects.ts';
import { LIMITS } from '../limits.ts';
import type { TargetReads } from '../machine/port.ts';
import { type Adapter, adapterByProcName } from './adapters.ts';
import type { FileSystemHit, Incident } from './incident.ts';

type Reads = Pick<TargetReads, 'readText' | 'list' | 'stat'>;

/** The present names of the devices in the guest's log. */
export interface DeviceNames {
  mapper(device: string): Promise<{ readonly name: string | null; readonly on: readonly string[] }>;
  /** `dm-3` for `mapper/vg0-data`, which btrfs writes in some messages; any other name is already the kernel's. */
  kernelName(device: string): string;
  mountPoint(device: string): string | null;
  /** The kernel name of the disk at a SCSI address. */
  diskAt(address: string): Promise<string | null>;
}

/** The names on a running machine, from /sys and the mount table. */
export async function liveNames(target: Reads): Promise<DeviceNames> {
  const { nameOf, numberOf } = await blockDevices(target);
  const mounts = await readMounts(target);
  const mapped = new Map<string, string>();
  for (const [device, number] of numberOf) {
    const name = await mapperName(target, device, number);
    if (name !== undefined) mapped.set(device, name);
  }
  const kernelNames = new Map([...mapped].map(([device, name]) => [`mapper/${name}`, device]));
  return {
    mapper: async (device) => ({
      name: mapped.get(device) ?? null,
      on: await target.list(`/sys/block/${device}/slaves`),
    }),
    kernelName: (device) => kernelNames.get(device) ?? device,
    mountPoint: (device) => {
      // btrfs mounts have a number of their own: there only the source says which device it is.
      const sources = [`/dev/${device}`, `/dev/mapper/${mapped.get(device) ?? ''}`];
      const found = mounts.find(
        (mount) => nameOf.get(mount.device) === device || sources.includes(mount.source),
      );
      return found?.mountPoint ?? null;
    },
    diskAt: async (address) =>
      (await target.list(`/sys/class/scsi_device/${address}/device/block`))[0] ?? null,
  };
}

const SCSI_HOSTS = '/sys/class/scsi_host';

/** The SCSI adapters of a running machine, by the number of their host. */
export async function liveAdapters(target: Reads): Promise<ReadonlyMap<number, Adapter>> {
  const adapters = new Map<number, Adapter>();
  for (const name of await target.list(SCSI_HOSTS).catch(() => [])) {
    const host = Number(/^host(\d{1,5})$/.exec(name)?.[1] ?? Number.NaN);
    const driver = (await target.readText(`${SCSI_HOSTS}/${name}/proc_name`, LIMITS.kernelBytes))?.trim();
    // A driver that has no name there reads as <NULL> or (null).
    if (Number.isNaN(host) || driver === undefined || !/^\w/.test(driver)) continue;
    adapters.set(host, adapterByProcName(driver, host));
  }
  return adapters;
}

/** The names in a tree, which is not running: only its fstab has mount points. */
export async function treeNames(target: Reads): Promise<DeviceNames> {
  const entries = await readFstab(target);
  return {
    mapper: async () => ({ name: null, on: [] }),
    kernelName: (device) => device,
    mountPoint: (device) => entries.find(({ source }) => source === `/dev/${device}`)?.mountPoint ?? null,
    diskAt: async () => null,
  };
}

/** An incident with the names filled in. They are the present ones: a disk may have had another name then. */
export async function withNames(incident: Incident, names: DeviceNames): Promise<Incident> {
  const disks = incident.disks.map(async (disk) =>
    disk.name === null && disk.address !== null ? { ...disk, name: await names.diskAt(disk.address) } : disk,
  );
  const deviceMapper = incident.deviceMapper.map(async (hit) => ({
    ...hit,
    ...(await names.mapper(hit.device)),
  }));
  return {
    ...incident,
    disks: await Promise.all(disks),
    deviceMapper: await Promise.all(deviceMapper),
    fileSystems: named(incident.fileSystems, names),
  };
}

/** Two names of one device are one file system. */
function named(hits: readonly FileSystemHit[], names: DeviceNames): readonly FileSystemHit[] {
  const byDevice = new Map<string | null, FileSystemHit>();
  for (const hit of hits) {
    const device = hit.device === null ? null : names.kernelName(hit.device);
    const effect = graver(hit.effect, byDevice.get(device)?.effect ?? 'error');
    byDevice.set(device, { device, mountPoint: device === null ? null : names.mountPoint(device), effect });
  }
  return [...byDevice.values()];
}
