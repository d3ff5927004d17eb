import { blockDevices, mapperName } from '../../facts/block-devices.ts';
import { readFstab } from '../../facts/fstab.ts';
import { readMounts } from '../../facts/mounts.ts';
import type { TargetReads } from '../../target/port.ts';
import type { Incident } from './incident.ts';

type Reads = Pick<TargetReads, 'readText' | 'list' | 'stat'>;

/** What the guest calls the devices of its log now. */
export interface DeviceNames {
  mapper(device: string): Promise<{ readonly name: string | null; readonly on: readonly string[] }>;
  mountPoint(device: string): string | null;
  /** The kernel name of the disk at a SCSI address. */
  diskAt(address: string): Promise<string | null>;
}

/** Of a running machine: /sys, and the mount table. */
export async function liveNames(target: Reads): Promise<DeviceNames> {
  const { nameOf, numberOf } = await blockDevices(target);
  const mounts = await readMounts(target);
  return {
    mapper: async (device) => ({
      name: (await mapperName(target, device, numberOf.get(device))) ?? null,
      on: await target.list(`/sys/block/${device}/slaves`),
    }),
    mountPoint: (device) =>
      mounts.find((mount) => nameOf.get(mount.device) === device || mount.source === `/dev/${device}`)
        ?.mountPoint ?? null,
    diskAt: async (address) =>
      (await target.list(`/sys/class/scsi_device/${address}/device/block`))[0] ?? null,
  };
}

/** Of a tree, which is not running: only fstab says what belongs where. */
export async function treeNames(target: Reads): Promise<DeviceNames> {
  const entries = await readFstab(target);
  return {
    mapper: async () => ({ name: null, on: [] }),
    mountPoint: (device) => entries.find(({ source }) => source === `/dev/${device}`)?.mountPoint ?? null,
    diskAt: async () => null,
  };
}

/** An incident with the names filled in. They are those of today: a disk may have had another name then. */
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
    fileSystems: incident.fileSystems.map((hit) => ({
      ...hit,
      mountPoint: hit.device === null ? null : names.mountPoint(hit.device),
    })),
  };
}
