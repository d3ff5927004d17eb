import { asksReadOnly } from '../guest/fstab.ts';
import { versionOrder } from '../versions/kernel-base.ts';
import type { ErrorCounters } from './counters.ts';
import { hasSuperOption, isReadOnly, type Observation } from './observation.ts';
import type { State } from './states.ts';
import { superblockEvidence } from './superblock/evidence.ts';

/** One thing that was seen, and what it says. */
export interface Evidence {
  readonly kind:
    | 'mount-table'
    | 'fstab'
    | 'listing'
    | 'storage'
    | 'superblock'
    | 'counter'
    | 'kernel-log'
    | 'probe';
  /** Which state it speaks for; undefined: none. */
  readonly state?: State | undefined;
  /** Whether it speaks against writing to the file system. */
  readonly bad: boolean;
  /** One line for a person. */
  readonly detail: string;
  /** ISO 8601; where it says when it began. */
  readonly since?: string | undefined;
}

/** Reads one part of an observation; says nothing of a part that was not looked at. Pure. */
export type Witness = (seen: Observation, wanted: boolean) => readonly Evidence[];

/** All evidence in an observation, in its order. `wanted`: it should be writable. Pure. */
export function evidenceOf(seen: Observation, wanted: boolean): readonly Evidence[] {
  return WITNESSES.flatMap((witness) => witness(seen, wanted));
}

/** Options of the superblock. ext4 shows these two from 6.15 on, where the table keeps `rw` beside them. */
const GIVEN_UP_OPTIONS: readonly {
  readonly option: string;
  readonly state: State;
  readonly words: string;
}[] = [
  { option: 'shutdown', state: 'shutdown', words: 'was shut down by the kernel' },
  { option: 'emergency_ro', state: 'aborted', words: 'the kernel gave up writing to it' },
];

/** Media are never written, whatever the table says of them. */
const mountTable: Witness = (seen, wanted) => {
  const evidence: Evidence[] = [];
  const say = (state: State | undefined, bad: boolean, detail: string): void =>
    void evidence.push({ kind: 'mount-table', state, bad, detail });
  if (seen.fileSystem.kind !== 'media')
    for (const { option, state, words } of GIVEN_UP_OPTIONS)
      if (hasSuperOption(seen, option)) say(state, true, `${words} (${option} in the mount table)`);
  if (isReadOnly(seen))
    say(readOnlyState(seen, wanted), false, `is read-only (ro in the mount table)${whyWanted(seen, wanted)}`);
  else if (seen.mount.mountOptions.includes('ro'))
    say('mount-ro', false, 'takes writes, but this mount of it is read-only');
  else say(undefined, false, 'the mount table says rw');
  if (isGivenUp(seen))
    say('aborted', true, 'the kernel itself made it read-only: the mount’s own flag is still rw');
  return evidence;
};

/** Of one that is read-only: whether it may be, and whether its superblock was read, which shows why. */
function readOnlyState({ superblock }: Observation, wanted: boolean): State {
  if (!wanted) return 'intended-ro';
  return superblock === undefined ? 'unexplained-ro' : 'remounted-ro';
}

function whyWanted({ fileSystem, watched }: Observation, wanted: boolean): string {
  if (!wanted || fileSystem.fstab !== null) return '';
  return watched?.remembered?.writable === true
    ? '; an earlier run saw it writable'
    : '; it was mounted read-write';
}

/**
 * mount(8) sets a mount's own `ro` together with the file system's; a kernel that gives up sets the latter alone. Of
 * several mounts of a file system one was set. /proc/mounts, which gives no number either, mixes the two.
 */
function isGivenUp(seen: Observation): boolean {
  const { kind, mounts } = seen.fileSystem;
  const isSet = mounts.some(({ mountOptions }) => mountOptions.includes('ro'));
  return kind === 'disk' && seen.mount.device !== '' && isReadOnly(seen) && !isSet;
}

const fstab: Witness = (seen, wanted) => {
  const entry = seen.fileSystem.fstab;
  if (entry === null) return [];
  const word = asksReadOnly(entry) ? 'ro' : 'rw';
  const state = word === 'rw' && wanted && isReadOnly(seen) ? readOnlyState(seen, wanted) : undefined;
  return [{ kind: 'fstab', state, bad: false, detail: `/etc/fstab (line ${entry.line}) says ${word}` }];
};

/** What an abort makes of a file system; a listing that fails says the same of these two only. */
const GIVEN_UP: Readonly<Record<string, State>> = { xfs: 'shutdown', btrfs: 'forced-ro' };

const listing: Witness = ({ listing: answer, mount }) => {
  if (answer === 'error') {
    const detail = 'its top folder cannot be listed: input/output error';
    return [{ kind: 'listing', state: GIVEN_UP[mount.fsType], bad: true, detail }];
  }
  if (answer !== 'hang') return [];
  return [{ kind: 'listing', state: 'storage-away', bad: true, detail: 'listing its top folder hangs' }];
};

const STORAGE_WORDS = {
  yes: 'the disk answers a read that bypasses the cache',
  'no-device': 'it has no block device that could be read',
  denied: 'only root may read the disk',
  gone: 'the block device is gone',
  error: 'the disk answers a read with an error',
  hang: 'the disk does not answer a read',
} as const;

const storage: Witness = ({ storage: answered, devicePath }) => {
  if (answered === undefined) return [];
  const { answer, detail = '' } = answered;
  const bad = answer === 'gone' || answer === 'error' || answer === 'hang';
  const state = bad ? 'storage-away' : undefined;
  const name = devicePath === undefined ? '' : ` (${devicePath})`;
  const reason = detail === '' ? '' : `: ${detail}`;
  return [{ kind: 'storage', state, bad, detail: `${STORAGE_WORDS[answer]}${name}${reason}` }];
};

/** btime of /proc/stat changes by a second as the clock is adjusted. */
const SLACK_SECONDS = 5;

/**
 * With `errors=remount-ro` an ext4 that counts a new error is read-only since then, also where the mount table keeps
 * `rw` (5.15.168, 6.1.113 and 6.12 to 6.14, and what was ported back from there, after CVE-2024-50191). With
 * `errors=continue` the counter is all that ever shows.
 */
const counter: Witness = (seen) => {
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
  const { log, watched, system } = seen;
  const isNew = watched !== undefined || isOfThisBoot(seen, counters);
  const isMountedSince = log?.mounted === true && !log.lines.some(({ abort }) => abort);
  return counters.policy === 'remount-ro' && isNew && !isMountedSince && !showsReadOnly(system.kernel);
}

/** Whether the mount table of this kernel surely shows an ext4 that gave up. Unknown kernels do not. */
function showsReadOnly(kernel: string): boolean {
  return kernel !== '' && (versionOrder(kernel, '4.18') < 0 || versionOrder(kernel, '6.15') >= 0);
}

/** Errors are on record: it has to be checked, whether it takes writes or not. */
function onRecord(seen: Observation): State {
  return isReadOnly(seen) ? 'flagged-ro' : 'flagged';
}

/**
 * The kernel said that it gave up on this disk, and no mount since. XFS never shows it anywhere else. An earlier look's
 * memory serves where the ring buffer has lost the message.
 */
const kernelLog: Witness = (seen) => {
  const { log, watched, system, fileSystem } = seen;
  const givenUp = GIVEN_UP[fileSystem.fsType] ?? 'aborted';
  const remembered = watched?.remembered?.aborted;
  if (log === undefined && remembered !== undefined)
    return [{ kind: 'kernel-log', state: givenUp, bad: true, detail: remembered }];
  return (log?.lines ?? []).map(({ text, abort, seconds }) => ({
    kind: 'kernel-log',
    state: abort ? givenUp : onRecord(seen),
    bad: true,
    detail: text,
    since:
      seconds === undefined || system.bootTime === undefined
        ? undefined
        : new Date((system.bootTime + seconds) * 1000).toISOString(),
  }));
};

/**
 * What an outcome of the probe says. All others (no space, no permission, no such folder) are reasons of their own, and
 * no alarm. EUCLEAN is what XFS and ext4 call corruption; ESHUTDOWN comes from the block layer.
 */
const PROBE_STATES: Readonly<Record<string, State>> = {
  hang: 'write-hangs',
  EROFS: 'aborted',
  EIO: 'write-fails',
  ESHUTDOWN: 'write-fails',
  EUCLEAN: 'write-fails',
  ENXIO: 'write-fails',
  ENODEV: 'write-fails',
};

const probe: Witness = (seen, wanted) => {
  const result = seen.probe;
  const found = result === undefined ? undefined : PROBE_STATES[result.outcome];
  if (result === undefined || found === undefined) return [];
  // Where the mount table says ro already, EROFS adds nothing.
  const state = found === 'aborted' && isReadOnly(seen) ? readOnlyState(seen, wanted) : found;
  return [{ kind: 'probe', state, bad: true, detail: result.detail }];
};

const superblock: Witness = (seen) =>
  seen.superblock === undefined
    ? []
    : superblockEvidence(seen.superblock, isReadOnly(seen)).map(({ bad, detail, aborted }) => ({
        kind: 'superblock',
        state: aborted === true ? 'aborted' : bad ? onRecord(seen) : undefined,
        bad,
        detail,
      }));

/** The clearest first: what the kernel shows, what the disk says, what is on record, what was logged, what a write met. */
const WITNESSES: readonly Witness[] = [
  mountTable,
  fstab,
  listing,
  storage,
  superblock,
  counter,
  kernelLog,
  probe,
];
