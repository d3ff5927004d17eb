import { failure } from '../errors.ts';
import { errorCounters } from '../filesystems/counters.ts';
import { logCollector } from '../filesystems/disk-log.ts';
import { type FileSystem, fileSystemKey, fileSystems } from '../filesystems/file-systems.ts';
import { judge } from '../filesystems/judge.ts';
import { type KernelMessage, readKernelMessages } from '../filesystems/kernel-messages.ts';
import { type Remembered, readSystemFacts } from '../filesystems/observation.ts';
import { type ProbeResult, probePlace } from '../filesystems/probe.ts';
import { reportsTrouble } from '../kernel-log/marks.ts';
import type { Target } from '../machine/port.ts';
import { watchedEvidence, watchedState } from './condition.ts';
import type { WatchedEvidence, WatchedState } from './document.ts';
import type { WatchState } from './state.ts';

/** How one file system is, and why. */
export interface Finding {
  readonly key: string;
  readonly fileSystem: FileSystem;
  readonly state: WatchedState;
  /** ISO 8601; undefined where no evidence says when it began. */
  readonly since: string | undefined;
  /** The clearest first. */
  readonly evidence: readonly WatchedEvidence[];
  readonly probe: ProbeResult | undefined;
  /** What the next run must know. */
  readonly remember: Remembered;
}

export interface Look {
  readonly findings: readonly Finding[];
  /** The kernel's last messages of trouble, for a mail. */
  readonly trouble: readonly KernelMessage[];
  /** What could not be looked at. */
  readonly notes: readonly string[];
}

export interface LookOptions {
  readonly state: WatchState;
  /** Writes to the places and reports what came of it; undefined: nothing is written. */
  readonly probe?: ((places: readonly string[]) => Promise<readonly ProbeResult[]>) | undefined;
}

const MOST_TROUBLE = 40;

/**
 * Looks at every file system of a running guest, and touches no disk but by the probe. Throws E_MOUNTS_UNKNOWN where it
 * has no mount table.
 */
export async function look(target: Target, { state, probe }: LookOptions): Promise<Look> {
  const all = await fileSystems(target);
  if (all.length === 0) {
    throw failure(
      'E_MOUNTS_UNKNOWN',
      `${target.name} has no mount table with a file system in it`,
      'watch looks at a running guest: run it there, without --root',
    );
  }
  const { add, disks } = logCollector();
  const trouble: KernelMessage[] = [];
  const problem = await readKernelMessages(target, (message) => {
    add(message);
    if (reportsTrouble(message.text)) trouble.push(message);
    if (trouble.length > MOST_TROUBLE) trouble.shift();
  });
  const system = await readSystemFacts(target);
  const results = probe === undefined ? [] : await probe(placesOf(all));
  const findings: Finding[] = [];
  for (const fileSystem of all) {
    const { name, mounts, mountPoint } = fileSystem;
    const key = fileSystemKey(fileSystem);
    // Of one that nobody means to write to, an error is no news to anybody.
    const isMeant = fileSystem.intended === 'rw';
    const place = probe === undefined ? undefined : probePlace(fileSystem, all);
    const probed = place === undefined ? undefined : results.find((one) => one.mountPoint === place);
    const judged = judge({
      fileSystem,
      mount: mounts.find((mount) => mount.mountPoint === mountPoint) ?? mounts[0],
      counters: isMeant ? await errorCounters(target, fileSystem) : undefined,
      log: isMeant && name !== null ? disks.get(name) : undefined,
      probe: probed,
      system,
      watched: { remembered: current(state.seen[key], fileSystem) },
    });
    findings.push({
      key,
      fileSystem,
      state: watchedState(judged.state),
      since: judged.since,
      evidence: watchedEvidence(judged.evidence),
      probe: probed,
      remember: judged.remember,
    });
  }
  return { findings, trouble, notes: problem === undefined ? [] : [problem] };
}

function placesOf(all: readonly FileSystem[]): readonly string[] {
  return all.flatMap((fileSystem) => {
    if (fileSystem.intended !== 'rw' || fileSystem.kind !== 'disk') return [];
    const place = probePlace(fileSystem, all);
    return place === undefined ? [] : [place];
  });
}

/** What was seen of this mount; of a file system that was mounted again since, only its last error count is left. */
function current(remembered: Remembered | undefined, { mounts }: FileSystem): Remembered | undefined {
  if (remembered === undefined) return undefined;
  const ids = mounts.flatMap(({ id }) => (id === undefined ? [] : [id]));
  if (ids.length === 0 || ids.some((id) => remembered.mounts.includes(id))) return remembered;
  const { lastErrors } = remembered;
  return { mounts: ids, writable: false, errors: lastErrors, lastErrors };
}
