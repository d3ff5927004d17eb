import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Target } from '../../src/machine/port.ts';
import { type Disk, openDisk, type Write } from './disk.ts';
import { type BootFiles, DISK_BYTES, imageWith, QUICK_UNIT } from './guest-image.ts';
import { networkDisk, type Powered, powerOn } from './machine.ts';
import { serveDisk } from './nbd.ts';

/** A machine that was saved while it ran, with its disk as it was then. */
export interface Saved {
  readonly image: string;
  readonly memory: string;
  readonly boot: BootFiles;
  /** The last line of a journal that the disk had received. */
  readonly lastLine: string;
}

/** A disk to boot from, or a saved machine to go on with. */
export type Origin = Saved | { readonly image: string; readonly boot: BootFiles };

export interface Rig {
  readonly disk: Disk;
  readonly vm: Powered;
}

/** Runs a machine on a disk with a write cache, over an image that stays as it is. It is gone when the promise resolves. */
export async function withRig<T>(
  origin: Origin,
  folder: string,
  { onWrite, signal }: { readonly onWrite: (write: Write) => void; readonly signal: AbortSignal },
  act: (rig: Rig) => Promise<T>,
): Promise<T> {
  const base = await open(origin.image);
  try {
    const disk = openDisk(base, DISK_BYTES, onWrite);
    const socket = join(folder, 'nbd');
    const server = await serveDisk(disk, socket);
    try {
      const vm = await powerOn({
        ...origin.boot,
        unit: QUICK_UNIT,
        disk: networkDisk(socket),
        from: 'memory' in origin ? origin.memory : undefined,
        folder,
        consoleLog: join(folder, 'console.log'),
        signal,
      });
      try {
        return await act({ disk, vm });
      } finally {
        await vm.kill();
      }
    } finally {
      await server.close();
    }
  } finally {
    await base.close();
  }
}

/** Saves a running machine with its disk; it ends. What the disk's cache holds counts as safe in the saved one. */
export async function save(
  machine: Target,
  { disk, vm }: Rig,
  origin: Origin,
  to: { readonly name: string; readonly folder: string; readonly lastLine: string },
): Promise<Saved> {
  const memory = join(to.folder, `${to.name}.memory`);
  const image = join(to.folder, `${to.name}.img`);
  await vm.snapshot(memory);
  const { writes } = disk.survivors('written', () => 0);
  await imageWith(machine, origin.image, image, writes);
  return { image, memory, boot: origin.boot, lastLine: to.lastLine };
}
