import { asksReadOnly } from '../guest/fstab.ts';
import { hasSuperOption, isReadOnly, type Observation } from './observation.ts';
import { counter, GIVEN_UP, kernelLog, onRecord } from './record-evidence.ts';
import type { State } from './states.ts';
import { superblockEvidence } from './superblock/evidence.ts';
import type { Evidence, Witness } from './witness.ts';

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
  'not-asked': 'the disk was not asked: the guest’s dd cannot read past the cache',
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
