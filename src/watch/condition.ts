import { type State, worstOf } from '../filesystems/states.ts';
import type { Evidence } from '../filesystems/witness.ts';
import type { WatchedEvidence, WatchedState } from './document.ts';

/** A file system that is read-only without need is an alarm, whatever made it so. */
const WATCHED_STATES: Readonly<Record<State, WatchedState>> = {
  'storage-away': 'hang',
  shutdown: 'shut-down',
  'forced-ro': 'read-only',
  aborted: 'read-only',
  'flagged-ro': 'read-only',
  'remounted-ro': 'read-only',
  'unexplained-ro': 'read-only',
  'write-hangs': 'hang',
  'write-fails': 'io-error',
  flagged: 'errors',
  'mount-ro': 'ok',
  'intended-ro': 'ok',
  writable: 'ok',
};

export function watchedState(state: State): WatchedState {
  return WATCHED_STATES[state];
}

export function isAlarm(state: WatchedState): boolean {
  return state !== 'ok' && state !== 'errors';
}

/** The watch neither asks the disk nor reads the superblock: `probe` is its only word of the storage. */
const KINDS: Readonly<Record<Evidence['kind'], WatchedEvidence['kind']>> = {
  'mount-table': 'mount-table',
  fstab: 'mount-table',
  listing: 'probe',
  storage: 'probe',
  superblock: 'ext4-errors',
  counter: 'ext4-errors',
  'kernel-log': 'kernel-log',
  probe: 'probe',
};

/** What speaks for a state that is not `ok`: of each kind one, in the words of all its evidence. */
export function watchedEvidence(evidence: readonly Evidence[]): readonly WatchedEvidence[] {
  const speaking = evidence.filter(({ state = 'writable' }) => watchedState(state) !== 'ok');
  return [...Map.groupBy(speaking, ({ kind }) => KINDS[kind])].map(([kind, all]) => ({
    kind,
    state: watchedState(worstOf(all.map(({ state }) => state))),
    detail: all.map(({ detail }) => detail).join('; '),
    since: all.find(({ since }) => since !== undefined)?.since,
    ...(all.every(({ reported }) => reported === true) ? { reported: true } : {}),
  }));
}
