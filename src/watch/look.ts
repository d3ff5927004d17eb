import { failure } from '../errors.ts';
import { logCollector } from '../filesystems/disk-log.ts';
import { ext4Counters } from '../filesystems/ext4-counters.ts';
import { type FileSystem, fileSystems } from '../filesystems/file-systems.ts';
import { type ProbeResult, probePlace } from '../filesystems/probe.ts';
import type { Gathered, State, WatchEvidence } from '../filesystems/signals/evidence.ts';
import { judge } from '../filesystems/signals/judge.ts';
import { type KernelMessage, readKernelMessages } from '../kernel-log/kmsg.ts';
import type { Target } from '../machine/port.ts';
import type { Remembered } from './state/remembered.ts';
import type { WatchState } from './state/state.ts';

/** How one file system stands, and why. */
export interface Finding {
  readonly key: string;
  readonly fileSystem: FileSystem;
  readonly state: State;
  /** ISO 8601; undefined where no signal tells when it began. */
  readonly since: string | undefined;
  /** The best first. */
  readonly evidence: readonly WatchEvidence[];
  readonly probe: ProbeResult | undefined;
  /** What the next run shall know. */
  readonly remember: Remembered;
}

export interface Look {
  readonly findings: readonly Finding[];
  /** The kernel's last messages of trouble. */
  readonly trouble: readonly KernelMessage[];
  /** Seconds since the epoch. */
  readonly bootTime: number | undefined;
  /** What could not be looked at. */
  readonly notes: readonly string[];
}

export interface LookOptions {
  readonly state: WatchState;
  /** Writes to the places and tells what came of it; undefined: nothing is written. */
  readonly probe?: (places: readonly string[]) => Promise<readonly ProbeResult[]>;
}

/** Looks at every file system of a running guest. Throws E_MOUNTS_UNKNOWN where it has no mount table. */
export async function look(target: Target, { state, probe }: LookOptions): Promise<Look> {
  const all = await fileSystems(target);
  if (all.length === 0) {
    throw failure(
      'E_MOUNTS_UNKNOWN',
      `${target.name} has no mount table with a file system in it`,
      'watch looks at a running guest: run it there, without --root',
    );
  }
  const collector = logCollector();
  const problem = await readKernelMessages(target, collector.add);
  const [kernel, bootTime] = [await osRelease(target), await bootSeconds(target)];
  const results = probe === undefined ? [] : await probe(placesOf(all));
  const findings: Finding[] = [];
  for (const fileSystem of all) {
    const key = fileSystem.device === '' ? fileSystem.source : fileSystem.device;
    const ext4 =
      fileSystem.name === null || !/^ext[34]/.test(fileSystem.fsType)
        ? undefined
        : await ext4Counters(target, fileSystem.name);
    const place = probe === undefined ? undefined : probePlace(fileSystem, all);
    const gathered: Gathered = {
      fileSystem,
      remembered: current(state.seen[key], fileSystem),
      ext4,
      log: fileSystem.name === null ? undefined : collector.disks.get(fileSystem.name),
      probe: place === undefined ? undefined : results.find(({ mountPoint }) => mountPoint === place),
      bootTime,
      kernel,
    };
    findings.push({ key, ...judge(gathered) });
  }
  return {
    findings,
    trouble: collector.trouble,
    bootTime,
    notes: problem === undefined ? [] : [problem],
  };
}

function placesOf(all: readonly FileSystem[]): readonly string[] {
  return all.flatMap((fileSystem) => {
    if (fileSystem.intended !== 'rw' || fileSystem.kind !== 'disk') return [];
    const place = probePlace(fileSystem, all);
    return place === undefined ? [] : [place];
  });
}

/** What was seen of this mount; of a file system that was mounted anew since, only its last error count is left. */
function current(remembered: Remembered | undefined, { mounts }: FileSystem): Remembered | undefined {
  if (remembered === undefined) return undefined;
  const ids = mounts.flatMap(({ id }) => (id === undefined ? [] : [id]));
  if (ids.length === 0 || ids.some((id) => remembered.mounts.includes(id))) return remembered;
  const { lastErrors } = remembered;
  return {
    mounts: ids,
    writable: false,
    ...(lastErrors === undefined ? {} : { errors: lastErrors, lastErrors }),
  };
}

async function osRelease(target: Target): Promise<string> {
  return ((await target.readText('/proc/sys/kernel/osrelease')) ?? '').trim();
}

async function bootSeconds(target: Target): Promise<number | undefined> {
  const seconds = /^btime (\d{1,12})$/m.exec((await target.readText('/proc/stat')) ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}
