import { versionOrder } from '../versions/kernel-base.ts';
import type { ErrorCounters } from './counters.ts';
import type { LogLine } from './disk-log.ts';
import { isReadOnly, type Observation } from './observation.ts';
import type { State } from './states.ts';
import { superblockEvidence } from './superblock/evidence.ts';
import type { Witness } from './witness.ts';

/*
 * What is on record of a file system: the errors that the running kernel has counted, and what its log says. A message
 * is a claim: it raises no alarm against what shows the contrary, and takes none back alone.
 */

/** What an abort makes of a file system; a listing that fails says the same of these two only. */
export const GIVEN_UP: Readonly<Record<string, State>> = { xfs: 'shutdown', btrfs: 'forced-ro' };

/** btime of /proc/stat changes by a second as the clock is adjusted. */
const SLACK_SECONDS = 5;

/**
 * With `errors=remount-ro` an ext4 that counts a new error is read-only since then, also where the mount table keeps
 * `rw` (5.15.168, 6.1.113 and 6.12 to 6.14, and what was ported back from there, after CVE-2024-50191). With
 * `errors=continue` the counter is all that ever shows.
 */
export const counter: Witness = (seen) => {
  const { counters, fileSystem } = seen;
  if (counters === undefined) return [];
  const type = /^ext/.test(fileSystem.fsType) ? 'ext4' : fileSystem.fsType;
  const before = seen.watched === undefined ? 0 : Math.min(oldErrors(seen, counters), counters.errors);
  const count = counters.errors - before;
  if (count <= 0)
    return [{ kind: 'counter', bad: false, detail: `${type} counts no ${before > 0 ? 'new ' : ''}error` }];
  const { lastErrorFunction, lastErrorTime, policy } = counters;
  const noun = `${seen.watched === undefined ? '' : 'new '}${count === 1 ? 'error' : 'errors'}`;
  const where = lastErrorFunction === undefined ? '' : `, the last in ${lastErrorFunction}`;
  return [
    {
      kind: 'counter',
      state: isAbortedUnseen(seen, counters) ? 'aborted' : onRecord(seen),
      bad: true,
      detail: `${type} counts ${count} ${noun}${where}${policy === undefined ? '' : `; errors=${policy}`}`,
      since: lastErrorTime === undefined ? undefined : new Date(lastErrorTime * 1000).toISOString(),
    },
  ];
};

/** Those that the first look saw; without one, those from before this boot. e2fsck sets the counter to zero. */
function oldErrors(seen: Observation, counters: ErrorCounters): number {
  return seen.watched?.remembered?.errors ?? (isOfThisBoot(seen, counters) ? 0 : counters.errors);
}

function isOfThisBoot({ system: { bootTime } }: Observation, { lastErrorTime }: ErrorCounters): boolean {
  return bootTime !== undefined && lastErrorTime !== undefined && lastErrorTime >= bootTime - SLACK_SECONDS;
}

function isAbortedUnseen(seen: Observation, counters: ErrorCounters): boolean {
  const isNew = seen.watched !== undefined || isOfThisBoot(seen, counters);
  const isShown = isMountedSince(seen, counters) || showsReadOnly(seen.system.kernel);
  return counters.policy === 'remount-ro' && isNew && !isShown;
}

/** The log alone is no proof: the counter's own time must be from before that mount, too. */
function isMountedSince(
  { log, system: { bootTime } }: Observation,
  { lastErrorTime }: ErrorCounters,
): boolean {
  const { seconds, reported = true } = log?.mounted ?? {};
  if (reported || seconds === undefined || bootTime === undefined || lastErrorTime === undefined)
    return false;
  return lastErrorTime <= bootTime + seconds && log?.lines.some(({ abort }) => abort) !== true;
}

/** Whether the mount table of this kernel surely shows an ext4 that gave up. Unknown kernels do not. */
function showsReadOnly(kernel: string): boolean {
  return kernel !== '' && (versionOrder(kernel, '4.18') < 0 || versionOrder(kernel, '6.15') >= 0);
}

/** Errors are on record: it has to be checked, whether it takes writes or not. */
export function onRecord(seen: Observation): State {
  return isReadOnly(seen) ? 'flagged-ro' : 'flagged';
}

/**
 * The kernel said that it gave up on this disk, and no mount since. XFS never shows it anywhere else. An earlier look's
 * memory serves where the ring buffer has lost the message.
 */
export const kernelLog: Witness = (seen) => {
  const { log, watched, system, fileSystem } = seen;
  const givenUp = GIVEN_UP[fileSystem.fsType] ?? 'aborted';
  const remembered = watched?.remembered?.aborted;
  if (log === undefined && remembered !== undefined)
    return [{ kind: 'kernel-log', state: givenUp, bad: true, detail: remembered }];
  return (log?.lines ?? []).map((line) => {
    const doubt = contradiction(seen, line);
    const words = line.reported ? `reported: ${line.text}` : line.text;
    return {
      kind: 'kernel-log',
      state: doubt !== undefined ? undefined : line.abort ? givenUp : onRecord(seen),
      bad: doubt === undefined,
      detail: doubt === undefined ? words : `${words} (but ${doubt})`,
      since: doubt === undefined ? timeOf(line, system.bootTime) : undefined,
      reported: line.reported ? true : undefined,
    };
  });
};

function timeOf({ seconds }: LogLine, bootTime: number | undefined): string | undefined {
  if (seconds === undefined || bootTime === undefined) return undefined;
  return new Date((bootTime + seconds) * 1000).toISOString();
}

/** ext4 counts such an error before it says so. A lost page or a warning it does not count. */
const COUNTED = /^EXT[234]-fs (?:error|abort|\([^)]*\): (?:error: )?[Rr]emounting)/;

/**
 * What shows that a message is not true of this mount. Of a journal that was given up ext4 learns when it next writes,
 * and a superblock misses what the failing disk did not take: they speak against a report only.
 */
function contradiction(seen: Observation, { text, abort, reported }: LogLine): string | undefined {
  const { counters, fileSystem, superblock } = seen;
  const isReport = reported && abort;
  if (!/^ext/.test(fileSystem.fsType) || !(isReport || COUNTED.test(text))) return undefined;
  if (counters !== undefined && isQuiet(seen, counters)) return 'ext4 has counted no error since boot';
  const isClean =
    superblock?.kind === 'ext' && superblockEvidence(superblock, isReadOnly(seen)).every(({ bad }) => !bad);
  return isReport && isClean ? 'the superblock has no error' : undefined;
}

function isQuiet({ system: { bootTime } }: Observation, { errors, lastErrorTime }: ErrorCounters): boolean {
  if (errors === 0) return true;
  return bootTime !== undefined && lastErrorTime !== undefined && lastErrorTime < bootTime - SLACK_SECONDS;
}
