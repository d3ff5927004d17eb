/**
 * How a file system is, the worst first; of several pieces of evidence the one that speaks for the worst state decides.
 * - `storage-away`: its disk is gone, does not answer a read, or answers with an error.
 * - `shutdown`: it was shut down, and neither reads nor writes: XFS, or an ext4 by request.
 * - `forced-ro`: btrfs has taken itself read-only after an error.
 * - `aborted`: its journal was aborted, or the kernel itself made it read-only; only a new mount ends that.
 * - `flagged-ro`: it is read-only, and errors are on record.
 * - `remounted-ro`: it is read-only and should be writable; its superblock was read, and nothing shows an error.
 * - `unexplained-ro`: the same, but what would show why was not looked at, or could not be read.
 * - `write-hangs`, `write-fails`: what came of writing a small file.
 * - `flagged`: it is written to, and errors are on record.
 * - `mount-ro`: it takes writes, only this mount of it does not.
 * - `intended-ro`: it is read-only as it is meant to be.
 * - `writable`.
 */
export const STATES = [
  'storage-away',
  'shutdown',
  'forced-ro',
  'aborted',
  'flagged-ro',
  'remounted-ro',
  'unexplained-ro',
  'write-hangs',
  'write-fails',
  'flagged',
  'mount-ro',
  'intended-ro',
  'writable',
] as const;

export type State = (typeof STATES)[number];

/** The worst of these states; `writable` where there are none. */
export function worstOf(states: readonly (State | undefined)[]): State {
  return STATES.find((state) => states.includes(state)) ?? 'writable';
}

/** The states that `recover --json` and `harden --json` know, by their names there. */
export const REPAIR_STATE_NAMES = [
  'storage-away',
  'aborted',
  'shutdown',
  'flagged',
  'remounted-ro',
  'unknown',
  'intended-ro',
  'writable',
] as const;
export type RepairState = (typeof REPAIR_STATE_NAMES)[number];

/** What a person has to do about a state, which is all that recover and harden distinguish. */
export const REPAIR_STATES: Readonly<Record<State, RepairState>> = {
  'storage-away': 'storage-away',
  shutdown: 'shutdown',
  'forced-ro': 'shutdown',
  aborted: 'aborted',
  'flagged-ro': 'flagged',
  'remounted-ro': 'remounted-ro',
  'unexplained-ro': 'unknown',
  'write-hangs': 'storage-away',
  'write-fails': 'storage-away',
  flagged: 'flagged',
  'mount-ro': 'writable',
  'intended-ro': 'intended-ro',
  writable: 'writable',
};
