import { failure } from '../errors.ts';
import type { FileSystem } from '../filesystems/file-systems.ts';
import { type Judgement, judge } from '../filesystems/judge.ts';
import { fileSystemKind } from '../filesystems/kinds.ts';
import type { Observation } from '../filesystems/observation.ts';
import { observeAll } from '../filesystems/observe.ts';
import { REPAIR_STATES } from '../filesystems/states.ts';
import type { Evidence } from '../filesystems/witness.ts';
import { readDistro } from '../guest/distro.ts';
import { type FstabEntry, isBind, readFstab } from '../guest/fstab.ts';
import { detectInit, type InitSystem } from '../guest/init-system.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { typed } from '../typed.ts';
import type { FileSystemReport, Recovery, ReportedEvidence } from './document.ts';
import { deadServices } from './services.ts';
import { stepsFor } from './steps.ts';

/** States in which nothing is to be done. */
export const HEALTHY: readonly FileSystemReport['state'][] = ['writable', 'intended-ro'];

/** One file system on a running guest, with what the report is based on. */
export interface Examined {
  readonly report: FileSystemReport;
  readonly seen: Observation;
}

/**
 * Examines the guest's own disks' file systems, or those at `mountPoints` alone. Reads only. Throws E_MOUNT_MISSING
 * where nothing is mounted at one of them.
 */
export async function examine(
  target: Target,
  mountPoints: readonly string[],
): Promise<{
  readonly init: InitSystem;
  readonly examined: readonly Examined[];
  readonly log: string | undefined;
}> {
  const { family } = await readDistro(target);
  const init = await detectInit(target, family);
  const isNamed = mountPoints.length > 0;
  const { seen, log } = await observeAll(target, (all) =>
    isNamed ? choose(all, mountPoints) : all.filter(({ kind }) => kind === 'disk'),
  );
  return { init, examined: seen.map((one) => ({ seen: one, report: reportOf(one, init, isNamed) })), log };
}

function choose(all: readonly FileSystem[], mountPoints: readonly string[]): readonly FileSystem[] {
  return mountPoints.map((wanted) => {
    const path = withoutSlash(wanted);
    // Of several mounts in one place the last one is seen.
    const found = all.findLast(({ mounts }) => mounts.some(({ mountPoint }) => mountPoint === path));
    if (found !== undefined) return { ...found, mountPoint: path };
    throw noMount(`no file system of a disk is mounted at ${JSON.stringify(path)}`);
  });
}

function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
}

function noMount(what: string): Error {
  return failure('E_MOUNT_MISSING', what, `${typed('recover')} without a mount point lists them all`);
}

export function reportOf(seen: Observation, init: InitSystem, named: boolean): FileSystemReport {
  const judgement = judge(seen, named);
  const state = REPAIR_STATES[judgement.state];
  const remountRefused = remountRefusals(seen, judgement);
  return {
    mountPoint: seen.mount.mountPoint,
    device: seen.mount.source,
    type: seen.mount.fsType,
    state,
    evidence: judgement.evidence.map(told),
    remountRefused,
    steps: stepsFor({ seen, state, remountRefused, init }),
  };
}

function told({ kind, bad, detail, reported }: Evidence): ReportedEvidence {
  const shown = kind === 'mount-table' ? 'mount' : kind === 'probe' ? 'storage' : kind;
  return { kind: shown, bad, detail, ...(reported === true ? { reported } : {}) };
}

/** What is wrong on a running guest and what to do; of a guest's tree, what to do if its file systems are given up. */
export async function recovery(target: Target, mountPoints: readonly string[]): Promise<Recovery> {
  if (!traitsOf(target).isRunning) return recoveryOfTree(target, mountPoints);
  const { init, examined } = await examine(target, mountPoints);
  return {
    init,
    fileSystems: examined.map(({ report }) => report),
    services: await deadServices(target, init),
  };
}

async function recoveryOfTree(target: Target, mountPoints: readonly string[]): Promise<Recovery> {
  const { family } = await readDistro(target);
  const init = await detectInit(target, family);
  const entries = (await readFstab(target)).filter(
    (entry) => !isBind(entry) && fileSystemKind(entry.fsType, entry.source) === 'disk',
  );
  const chosen =
    mountPoints.length === 0
      ? entries
      : mountPoints.map((wanted) => {
          const path = withoutSlash(wanted);
          const entry = entries.findLast(({ mountPoint }) => mountPoint === path);
          if (entry !== undefined) return entry;
          throw noMount(
            `/etc/fstab of ${target.name} has no file system of a disk at ${JSON.stringify(path)}`,
          );
        });
  return { init, fileSystems: chosen.map((entry) => reportOfEntry(entry, init)), services: [] };
}

/** As on the running guest, if its kernel had given the file system up. */
function reportOfEntry(entry: FstabEntry, init: InitSystem): FileSystemReport {
  const { mountPoint, source, fsType } = entry;
  const place = { device: '', source, fsType, mountPoint };
  const mount = { ...place, root: '/', mountOptions: ['rw'], superOptions: ['ro'] };
  const remountRefused = ['the guest is not running: nothing of it is mounted here'];
  const seen: Observation = {
    fileSystem: {
      ...place,
      name: null,
      mapper: null,
      kind: 'disk',
      mounts: [mount],
      fstab: entry,
      intended: 'rw',
    },
    mount,
    devicePath: source,
    system: { bootTime: undefined, kernel: '' },
  };
  return {
    mountPoint,
    device: source,
    type: fsType,
    state: 'not-running',
    evidence: [{ kind: 'fstab', bad: false, detail: `/etc/fstab, line ${entry.line}, pass ${entry.pass}` }],
    remountRefused,
    steps: stepsFor({ seen, state: 'aborted', remountRefused, init }).map(({ action: _, ...step }) => step),
  };
}

/**
 * Why `mount -o remount,rw` must not be done; empty where it may. It may only where everything that could show
 * damage was read and shows none: RHEL 4 and 5 take a remount of a flagged ext3, and then write on over it.
 */
export function remountRefusals(seen: Observation, { state, evidence }: Judgement): readonly string[] {
  const reasons = evidence.flatMap(({ bad, detail }) => (bad ? [detail] : []));
  const repair = REPAIR_STATES[state];
  if (repair === 'aborted' && reasons.length === 0) reasons.push('its journal was aborted');
  if (repair === 'intended-ro') reasons.push('it is intended to be read-only');
  if (repair === 'writable') reasons.push('it is not read-only');
  if (reasons.length > 0 || seen.superblock !== undefined) return reasons;
  const answer = seen.storage?.answer ?? 'not asked';
  return [`its superblock could not be read (${answer}): nothing shows that it is clean`];
}
