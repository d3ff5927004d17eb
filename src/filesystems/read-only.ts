import { basename } from 'node:path/posix';
import type { TargetReads } from '../machine/port.ts';

/** What is needed of a line of the mount table. */
export interface MountLine {
  /** major:minor of the superblock. */
  readonly device: string;
  readonly mountPoint: string;
  readonly mountOptions: readonly string[];
  readonly fsType: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** What a superblock tells, as far as its kind has it. */
export interface SuperblockErrors {
  readonly errorFlag?: boolean;
  readonly errorCount?: number;
  readonly needsRepair?: boolean;
}

/** A file system that does not take writes, or may stop to. */
export interface ReadOnlyState {
  /** Those of the guest's folders that lie on it. */
  readonly paths: readonly string[];
  readonly mountPoint: string;
  /** As it was given to mount(8). */
  readonly device: string;
  /**
   * `read-only`: mounted so, or made so by an error before Linux 6.1.113. `emergency`: by an error since 6.15.
   * `shutdown`: XFS and others after an I/O error. `errors`: it has met an error since its last check, and kernels from
   * 6.1.113 to 6.14 then show nothing else.
   */
  readonly state: 'read-only' | 'emergency' | 'shutdown' | 'errors';
  /** What was seen, the clearest first. */
  readonly evidence: readonly string[];
}

export interface ReadOnlyQuestion {
  /** The guest's folders that will be written to. */
  readonly paths: readonly string[];
  /** The mount table that this process sees, in its order. */
  readonly mounts: readonly MountLine[];
  /** Reads the superblock in a device's first bytes, for the kernel's name of the file system. */
  readonly superblock: (device: Buffer, fsType: string) => SuperblockErrors | undefined;
}

/** All superblocks that are known begin and end within this. */
const SUPERBLOCK_BYTES = 68 * 1024;

interface Sign {
  readonly state: ReadOnlyState['state'];
  readonly seen: (mount: MountLine) => string | undefined;
}

/** The signs of the mount table, the clearest first. */
const SIGNS: readonly Sign[] = [
  { state: 'shutdown', seen: ({ superOptions }) => option(superOptions, 'shutdown') },
  { state: 'emergency', seen: ({ superOptions }) => option(superOptions, 'emergency_ro') },
  { state: 'read-only', seen: ({ superOptions }) => option(superOptions, 'ro') },
  {
    state: 'read-only',
    seen: ({ mountOptions }) => option(mountOptions, 'ro') && 'this mount of it has the option ro',
  },
];

function option(options: readonly string[], name: string): string | undefined {
  return options.includes(name) ? `the file system has the option ${name}` : undefined;
}

/**
 * Which of the file systems that hold the guest's folders are read-only, or have met errors. `machine` is the one whose
 * mount table it is: for a guest's tree, the machine that it lies on. Reads nothing of the file systems themselves.
 */
export async function readOnlyStates(
  guest: Pick<TargetReads, 'hostPath'>,
  machine: Pick<TargetReads, 'readText' | 'readRange' | 'hostPath'>,
  question: ReadOnlyQuestion,
): Promise<readonly ReadOnlyState[]> {
  const held = new Map<MountLine, string[]>();
  for (const path of question.paths) {
    const mount = mountOf(await guest.hostPath(path), question.mounts);
    if (mount === undefined) continue;
    const paths = held.get(mount);
    if (paths === undefined) held.set(mount, [path]);
    else paths.push(path);
  }
  const states: ReadOnlyState[] = [];
  for (const [mount, paths] of held) {
    const signs = SIGNS.flatMap(({ state, seen }) => {
      const words = seen(mount);
      return words === undefined ? [] : [{ state, words }];
    });
    const errors = await errorsOf(machine, mount, question.superblock);
    const state = signs[0]?.state ?? (errors.length > 0 ? 'errors' : undefined);
    if (state === undefined) continue;
    const { mountPoint, source: device } = mount;
    states.push({
      paths,
      mountPoint,
      device,
      state,
      evidence: [...signs.map(({ words }) => words), ...errors],
    });
  }
  return states;
}

/** The deepest mount above the path; of several in one place the last, which hides the others. */
function mountOf(path: string, mounts: readonly MountLine[]): MountLine | undefined {
  let best: MountLine | undefined;
  for (const mount of mounts) {
    const { mountPoint } = mount;
    const above = mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (above && mountPoint.length >= (best?.mountPoint.length ?? 0)) best = mount;
  }
  return best;
}

async function errorsOf(
  machine: Pick<TargetReads, 'readText' | 'readRange' | 'hostPath'>,
  mount: MountLine,
  superblock: ReadOnlyQuestion['superblock'],
): Promise<readonly string[]> {
  const evidence: string[] = [];
  const name = await kernelName(machine, mount.device);
  const counted =
    name === undefined ? undefined : await machine.readText(`/sys/fs/ext4/${name}/errors_count`);
  if (/^[1-9]\d*\s*$/.test(counted ?? ''))
    evidence.push(`the kernel has counted ${counted?.trim()} errors on ${name}`);
  const found = await superblockOf(machine, mount, superblock);
  if (found?.errorFlag === true) evidence.push('its superblock has the error flag: it wants a check (fsck)');
  else if ((found?.errorCount ?? 0) > 0 && evidence.length === 0)
    evidence.push(`its superblock has counted ${found?.errorCount} errors since the last check (fsck)`);
  if (found?.needsRepair === true) evidence.push('its superblock says that it needs a repair');
  return evidence;
}

/** `sda1` of 8:1; undefined before Linux 2.6.27, and for what is on no disk. */
async function kernelName(
  machine: Pick<TargetReads, 'hostPath'>,
  device: string,
): Promise<string | undefined> {
  const link = `/sys/dev/block/${device}`;
  const folder = await machine.hostPath(link).catch(() => link);
  return folder === link ? undefined : basename(folder);
}

/** From the kernel's cache of the device, so that it is the state of now. Undefined where this user may not read it. */
async function superblockOf(
  machine: Pick<TargetReads, 'readRange'>,
  mount: MountLine,
  superblock: ReadOnlyQuestion['superblock'],
): Promise<SuperblockErrors | undefined> {
  if (!mount.source.startsWith('/dev/')) return undefined;
  for (const path of [mount.source, `/dev/block/${mount.device}`]) {
    try {
      return superblock(await machine.readRange(path, 0, SUPERBLOCK_BYTES), mount.fsType);
    } catch {
      // `/dev/root` is a name without a node; the next one may have one.
    }
  }
  return undefined;
}
