import { type Cause, causeOf } from '../kernel-log/cause.ts';
import { diskOfPartition } from '../kernel-log/devices.ts';
import type { LogEvent } from '../kernel-log/events.ts';
import type { DiskHit } from './incident.ts';
import { type CauseTally, causeTally } from './verdict.ts';

/** Collects what messages say about disks, and joins the names and addresses of one disk. */
export interface DiskTally {
  add(event: LogEvent, count: number): Cause | undefined;
  disks(): readonly DiskHit[];
}

interface Disk {
  name?: string;
  address?: string;
  errors: number;
  readonly causes: CauseTally;
}

/** A storage that loses its paths affects many disks, but not thousands. */
const MAX_DISKS = 256;
const BLOCK_ERRORS = new Set(['block-error', 'block-error-2.4', 'block-error-2.4-name', 'buffer-error']);

export function diskTally(): DiskTally {
  const disks: Disk[] = [];
  /** The disk of the last SCSI message with an address and no name: its block error follows directly. */
  let unnamed: Disk | undefined;

  const find = (name: string | undefined, address: string | undefined): Disk | undefined => {
    const byName = name === undefined ? undefined : disks.find((disk) => disk.name === name);
    const byAddress = address === undefined ? undefined : disks.find((disk) => disk.address === address);
    const known = byName ?? byAddress;
    if (known !== undefined) return known;
    if (disks.length >= MAX_DISKS || (name === undefined && address === undefined)) return undefined;
    const disk: Disk = { errors: 0, causes: causeTally() };
    disks.push(disk);
    return disk;
  };

  return {
    add: (event, count) => {
      const { device, address } = event.fields;
      const cause = causeOf(event);
      const name = diskNameOf(event, device);
      if (event.layer !== 'scsi' && !BLOCK_ERRORS.has(event.id)) return cause;
      if (unnamed !== undefined && name !== undefined && address === undefined) {
        if (!disks.some((disk) => disk.name === name)) unnamed.name = name;
        unnamed = undefined;
      }
      const disk = find(name, address);
      if (disk === undefined) return cause;
      if (name !== undefined) disk.name ??= name;
      if (address !== undefined) disk.address ??= address;
      unnamed = address !== undefined && disk.name === undefined ? disk : undefined;
      if (cause !== undefined) disk.causes.add(cause, count);
      if (BLOCK_ERRORS.has(event.id)) disk.errors += count;
      return cause;
    },
    disks: () => disks.map(hit),
  };
}

/** A device-mapper device is no disk, and no message of the block layer says on which disk it is. */
function diskNameOf(event: LogEvent, device: string | undefined): string | undefined {
  if (device === undefined || device.startsWith('dm-')) return undefined;
  return event.layer === 'scsi' ? device : diskOfPartition(device);
}

function hit({ name, address, errors, causes }: Disk): DiskHit {
  const lun = address?.split(':')[3];
  return {
    name: name ?? null,
    address: address ?? null,
    lun: lun === undefined ? null : Number(lun),
    errors,
    results: causes.results(),
    verdict: causes.verdict(),
  };
}
