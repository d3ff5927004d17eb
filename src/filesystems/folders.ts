import { basename } from 'node:path/posix';
import { type Mount, mountOf } from '../guest/mounts.ts';
import type { TargetReads } from '../machine/port.ts';
import { errorCounters } from './counters.ts';
import type { FileSystem } from './file-systems.ts';
import { judge } from './judge.ts';
import { fileSystemKind } from './kinds.ts';
import { type Observation, readSystemFacts } from './observation.ts';
import type { State } from './states.ts';
import { SUPERBLOCK_BYTES, type Superblock, steadySuperblock } from './superblock/parse.ts';
import type { Evidence } from './witness.ts';

/** A file system that holds some of the folders that were asked about. */
export interface FolderState {
  readonly folders: readonly string[];
  readonly mountPoint: string;
  /** As it was given to mount(8). */
  readonly source: string;
  readonly state: State;
  readonly evidence: readonly Evidence[];
}

type MachineReads = Pick<TargetReads, 'readText' | 'readRange' | 'hostPath' | 'list'>;

/**
 * How the file systems are that hold these folders of a guest, which are about to be written to. Looks at the mount
 * table, counters and superblocks, and touches no file system itself.
 * @param machine the one whose mount table it is: of a guest's tree, the machine that it lies on
 * @param mounts the mount table as this process sees it, in its order
 */
export async function folderStates(
  guest: Pick<TargetReads, 'hostPath'>,
  machine: MachineReads,
  folders: readonly string[],
  mounts: readonly Mount[],
): Promise<readonly FolderState[]> {
  const held = new Map<Mount, string[]>();
  for (const folder of folders) {
    const mount = mountOf(mounts, await guest.hostPath(folder));
    if (mount !== undefined) held.set(mount, [...(held.get(mount) ?? []), folder]);
  }
  return Promise.all(
    [...held].map(async ([mount, own]) => {
      const { state, evidence } = judge(await observeMount(machine, mount, mounts));
      return { folders: own, mountPoint: mount.mountPoint, source: mount.source, state, evidence };
    }),
  );
}

/** What is about to be written must be writable, whatever fstab says. */
async function observeMount(
  machine: MachineReads,
  mount: Mount,
  all: readonly Mount[],
): Promise<Observation> {
  const { device, source, fsType, mountPoint } = mount;
  const name = await kernelName(machine, device);
  const fileSystem = {
    ...{ device, name, mapper: null, source, fsType, mountPoint },
    kind: fileSystemKind(fsType, source),
    mounts: [mount, ...all.filter((one) => one !== mount && device !== '' && one.device === device)],
    fstab: null,
    intended: 'rw',
  } as const satisfies FileSystem;
  return {
    fileSystem,
    mount,
    superblock: await superblockOf(machine, mount),
    // Not btrfs' counters: they are never set back, and what they count may be years ago.
    counters: await errorCounters(machine, fileSystem),
    system: await readSystemFacts(machine),
  };
}

/** `sda1` of 8:1; null before Linux 2.6.27, and for what is on no disk. */
async function kernelName(machine: Pick<TargetReads, 'hostPath'>, device: string): Promise<string | null> {
  const link = `/sys/dev/block/${device}`;
  const folder = await machine.hostPath(link).catch(() => link);
  return folder === link ? null : basename(folder);
}

/** From the kernel's cache of the device, so that it is the state of now. Undefined where this user may not read it. */
async function superblockOf(
  machine: Pick<TargetReads, 'readRange'>,
  { source, device, fsType }: Mount,
): Promise<Superblock | undefined> {
  if (!source.startsWith('/dev/')) return undefined;
  for (const path of [source, `/dev/block/${device}`]) {
    try {
      return await steadySuperblock(() => machine.readRange(path, 0, SUPERBLOCK_BYTES), fsType);
    } catch {
      // `/dev/root` is a name without a node; the next one may have one.
    }
  }
  return undefined;
}
