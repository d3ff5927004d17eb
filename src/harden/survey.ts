import { survivalWindow } from '../driver/survival.ts';
import type { Verdict } from '../driver/verdict.ts';
import { failure } from '../errors.ts';
import { judge } from '../filesystems/judge.ts';
import { fileSystemKind } from '../filesystems/kinds.ts';
import { observeAll } from '../filesystems/observe.ts';
import { REPAIR_STATES } from '../filesystems/states.ts';
import { askStorage, readSuperblock } from '../filesystems/storage.ts';
import { type Disk, readDisks } from '../guest/disks.ts';
import { isBind, kernelNameOf, readFstab } from '../guest/fstab.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { DiskFacts, PolicyFacts, Survey } from './document.ts';
import { errorsOptionOf } from './fstab-edit.ts';
import { timeoutRules } from './udev.ts';

/** What the driver under the disks does with a BUSY, as far as the survival window needs it. */
export interface DriverKnowledge {
  /** Mainline version of the kernel. */
  readonly base: string | undefined;
  /** Of the Fusion MPT driver. */
  readonly verdict: Verdict;
}

const EXT = /^ext[234]$/;

/**
 * Reads all that harden shows and decides by. `mountPoints` empty: all. Writes nothing. Throws E_MOUNT_MISSING where one
 * of them is none.
 */
export async function survey(
  target: Target,
  knowledge: DriverKnowledge,
  mountPoints: readonly string[],
): Promise<Survey> {
  const found = traitsOf(target).isRunning ? await mounted(target) : [];
  const places = new Set(found.map(({ mountPoint }) => mountPoint));
  const listed = (await inFstab(target)).filter(({ mountPoint }) => !places.has(mountPoint));
  const all = [...found, ...listed];
  return {
    fileSystems: chosen(target, all, mountPoints),
    disks: (await readDisks(target)).map((disk) => ({ ...disk, ...windowOf(disk, knowledge) })),
    rules: await timeoutRules(target),
  };
}

/** Throws E_MOUNT_MISSING where one of the mount points is none: nothing would be done, and that looks like success. */
function chosen(
  target: Target,
  all: readonly PolicyFacts[],
  mountPoints: readonly string[],
): readonly PolicyFacts[] {
  if (mountPoints.length === 0) return all;
  const wanted = new Set(mountPoints.map((place) => (place === '/' ? place : place.replace(/\/+$/, ''))));
  const there = all.flatMap(({ mountPoint }) => mountPoint ?? []);
  const missing = [...wanted].filter((place) => !there.includes(place));
  if (missing.length === 0) return all.filter(({ mountPoint }) => wanted.has(mountPoint ?? ''));
  throw failure(
    'E_MOUNT_MISSING',
    `${target.name} has no file system of a disk at ${missing.map((place) => JSON.stringify(place)).join(', ')}`,
    there.length === 0 ? 'leave out --mount-point' : `give --mount-point one of: ${there.join(', ')}`,
  );
}

async function mounted(target: Target): Promise<readonly PolicyFacts[]> {
  const { seen } = await observeAll(target, (all) => all.filter(({ kind }) => kind === 'disk'));
  const logPlace = deepest(seen.map(({ fileSystem }) => fileSystem.mountPoint));
  return seen.map((one) => {
    const { fileSystem, mount, superblock } = one;
    const isExt = superblock?.kind === 'ext' && EXT.test(mount.fsType);
    const mountOption = errorsOptionOf(mount.superOptions) ?? null;
    return {
      mountPoint: mount.mountPoint,
      device: one.devicePath ?? mount.source,
      type: mount.fsType,
      superblock: isExt ? superblock.errorsPolicy : null,
      uuid: superblock?.uuid ?? null,
      fstabOption: errorsOptionOf(fileSystem.fstab?.options ?? []) ?? null,
      fstab: fileSystem.fstab,
      mountOption,
      effective: mountOption ?? (isExt ? superblock.errorsPolicy : null),
      state: REPAIR_STATES[judge(one).state],
      mount,
      holdsLogs: mount.mountPoint === logPlace,
    };
  });
}

async function inFstab(target: Target): Promise<readonly PolicyFacts[]> {
  const entries = (await readFstab(target)).filter(
    (entry) => !isBind(entry) && fileSystemKind(entry.fsType, entry.source) === 'disk',
  );
  const logPlace = deepest(entries.map(({ mountPoint }) => mountPoint));
  return Promise.all(
    entries.map(async (entry) => {
      // A tree's disks are not this machine's, whatever their names.
      const name = traitsOf(target).isRunning ? await kernelNameOf(target, entry.source) : undefined;
      const device = name === undefined ? undefined : `/dev/${name}`;
      const superblock = device === undefined ? undefined : await superblockOf(target, device, entry.fsType);
      return {
        mountPoint: entry.mountPoint,
        device: device ?? entry.source,
        type: entry.fsType,
        superblock: superblock?.kind === 'ext' ? superblock.errorsPolicy : null,
        uuid: superblock?.uuid ?? null,
        fstabOption: errorsOptionOf(entry.options) ?? null,
        fstab: entry,
        mountOption: null,
        effective: null,
        state: null,
        mount: null,
        holdsLogs: entry.mountPoint === logPlace,
      };
    }),
  );
}

async function superblockOf(target: Target, device: string, type: string) {
  const { answer } = await askStorage(target, device);
  return answer === 'yes' || answer === 'not-asked' ? readSuperblock(target, device, type) : undefined;
}

/** Of these mount points the one that /var/log is on. */
function deepest(mountPoints: readonly string[]): string | undefined {
  return mountPoints
    .filter((path) => path === '/' || '/var/log/'.startsWith(`${path}/`))
    .toSorted((a, b) => a.length - b.length)
    .at(-1);
}

/**
 * What hosts make of a BUSY, by what their driver calls itself: `branch` is as the Fusion MPT verdict says; virtio-scsi
 * still makes DID_BUS_BUSY of it, pvscsi leaves it alone.
 */
const HOSTS: Readonly<Record<string, 'branch' | Verdict>> = {
  mptspi: 'branch',
  mptsas: 'branch',
  mptfc: 'branch',
  mptscsih: 'branch',
  mptscsi: 'branch',
  vmw_pvscsi: 'never',
  pvscsi: 'never',
  virtio_scsi: 'affected',
};

function windowOf(disk: Disk, { base, verdict }: DriverKnowledge): Pick<DiskFacts, 'survives' | 'rule'> {
  if (disk.bus !== 'scsi' || disk.timeoutSeconds === null)
    return { survives: null, rule: 'the BUSY window is the SCSI layer’s; this disk has none' };
  const host = HOSTS[disk.driver ?? ''];
  const behaviour = host === 'branch' ? verdict : (host ?? 'unknown');
  if (base === undefined) return { survives: null, rule: 'the kernel’s version is not known' };
  const { now, rule } = survivalWindow({ base, verdict: behaviour, timeoutSeconds: disk.timeoutSeconds });
  return { survives: now ?? null, rule };
}
