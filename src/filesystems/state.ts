import { asksReadOnly } from '../guest/fstab.ts';
import type { Observation } from './observation.ts';

/**
 * How a file system is, the worst first:
 * - `storage-away`: its disk is gone, does not answer, or answers with errors;
 * - `aborted`: the journal was aborted: nothing can be written until it is unmounted;
 * - `shutdown`: the same of XFS and btrfs, and of an ext4 that was told to;
 * - `flagged`: errors were met and are on record, and it is still written to, or it is read-only besides;
 * - `remounted-ro`: read-only where it should be writable, and nothing shows an error;
 * - `unknown`: read-only where it should be writable, and what would tell why could not be read;
 * - `intended-ro`: read-only, as it is meant to be;
 * - `writable`.
 */
export type FileSystemState =
  | 'storage-away'
  | 'aborted'
  | 'shutdown'
  | 'flagged'
  | 'remounted-ro'
  | 'unknown'
  | 'intended-ro'
  | 'writable';

/** Why: one thing that was seen, in one line. `bad` ones speak against writing to it. */
export interface Evidence {
  readonly kind: 'mount' | 'fstab' | 'superblock' | 'counter' | 'kernel-log' | 'storage' | 'listing';
  readonly bad: boolean;
  readonly detail: string;
}

/** Where errors are on record. */
const RECORDS: readonly Evidence['kind'][] = ['superblock', 'counter', 'kernel-log'];

/** Whether the whole file system is read-only, not one mount of it. */
export function isReadOnly({ mount }: Observation): boolean {
  return mount.superOptions.includes('ro');
}

/** Decides the state from what was seen. Pure. `named`: a person named this mount point, and so wants it writable. */
export function stateOf(seen: Observation, named: boolean): FileSystemState {
  const { mount, storage, superblock } = seen;
  const options = mount.superOptions;
  if (['gone', 'error', 'hang'].includes(storage.answer) || seen.listing === 'hang') return 'storage-away';
  if (options.includes('shutdown') || isShutDown(seen)) return 'shutdown';
  if (options.includes('emergency_ro') || isAbortLogged(seen)) return 'aborted';
  if (superblock?.kind === 'ext' && isReadOnly(seen) && superblock.needsRecovery) return 'aborted';
  if (isGivenUp(seen)) return 'aborted';
  if (evidenceOf(seen).some(({ bad, kind }) => bad && RECORDS.includes(kind))) return 'flagged';
  if (!isReadOnly(seen)) return 'writable';
  if (isIntended(seen, named)) return 'intended-ro';
  return superblock === undefined ? 'unknown' : 'remounted-ro';
}

function isAbortLogged({ logLines }: Observation): boolean {
  return logLines.some(({ abort }) => abort);
}

function isShutDown(seen: Observation): boolean {
  const { mount, listing } = seen;
  const noJournalAbort = mount.fsType === 'xfs' || mount.fsType === 'btrfs';
  return noJournalAbort && (listing === 'error' || isAbortLogged(seen));
}

/**
 * mount(8) sets a mount's own `ro` together with the file system's; a kernel that gives up sets the latter alone. Of
 * several mounts of a file system one was told. /proc/mounts, which gives no number either, mixes the two.
 */
function isGivenUp(seen: Observation): boolean {
  const told = seen.fileSystem.mounts.some(({ mountOptions }) => mountOptions.includes('ro'));
  return seen.mount.device !== '' && isReadOnly(seen) && !told;
}

/** Who names a mount point that fstab does not know wants to write to it; media cannot be written by any wish. */
function isIntended({ fileSystem }: Observation, named: boolean): boolean {
  if (fileSystem.intended === 'rw') return false;
  return !(named && fileSystem.kind === 'disk' && fileSystem.fstab === null);
}

/** All that was seen, in words. Pure. */
export function evidenceOf(seen: Observation): readonly Evidence[] {
  return [...ofMount(seen), ...ofStorage(seen), ...ofSuperblock(seen), ...ofCounters(seen), ...ofLog(seen)];
}

function ofMount(seen: Observation): readonly Evidence[] {
  const { mount, listing } = seen;
  const { fstab } = seen.fileSystem;
  const marks = ['emergency_ro', 'shutdown'].filter((mark) => mount.superOptions.includes(mark));
  const shown = mount.superOptions.includes('ro') ? 'ro' : 'rw';
  const evidence: Evidence[] = [
    {
      kind: 'mount',
      bad: marks.length > 0,
      detail: `the kernel mounts it ${[shown, ...marks].join(',')}${mount.mountOptions.includes('ro') && shown === 'rw' ? ' (this mount alone is ro)' : ''}`,
    },
  ];
  if (isGivenUp(seen))
    evidence.push({
      kind: 'mount',
      bad: true,
      detail: 'the kernel itself made it read-only: the mount’s own flag is still rw',
    });
  if (fstab !== null) {
    const wanted = asksReadOnly(fstab) ? 'ro' : 'rw';
    evidence.push({
      kind: 'fstab',
      bad: false,
      detail: `/etc/fstab (line ${fstab.line}) wants it ${wanted}`,
    });
  }
  if (listing === 'error')
    evidence.push({
      kind: 'listing',
      bad: true,
      detail: 'its top folder cannot be listed: input/output error',
    });
  if (listing === 'hang')
    evidence.push({ kind: 'listing', bad: true, detail: 'listing its top folder does not come back' });
  return evidence;
}

const STORAGE_WORDS: Readonly<Record<Observation['storage']['answer'], string>> = {
  yes: 'the disk answers a read past the cache',
  'no-device': 'there is no block device behind it that could be asked',
  denied: 'only root may ask the disk',
  gone: 'the block device is gone',
  error: 'the disk answers a read with an error',
  hang: 'the disk does not answer a read',
};

function ofStorage({ storage, devicePath }: Observation): readonly Evidence[] {
  const detail = 'detail' in storage && storage.detail !== '' ? `: ${storage.detail}` : '';
  const bad = ['gone', 'error', 'hang'].includes(storage.answer);
  const name = devicePath === undefined ? '' : ` (${devicePath})`;
  return [{ kind: 'storage', bad, detail: `${STORAGE_WORDS[storage.answer]}${name}${detail}` }];
}

function ofSuperblock(seen: Observation): readonly Evidence[] {
  const { superblock } = seen;
  if (superblock === undefined) return [];
  const evidence: Evidence[] = [];
  const say = (bad: boolean, detail: string): void => void evidence.push({ kind: 'superblock', bad, detail });
  if (superblock.checksum === 'bad') say(true, 'the superblock’s checksum is wrong');
  if (superblock.kind === 'xfs') {
    if (superblock.needsRepair) say(true, 'the superblock says that xfs_repair has to run');
    if (evidence.length === 0)
      say(false, 'the superblock has no mark of an error (XFS keeps none but needsrepair)');
    return evidence;
  }
  if (superblock.errorFlag) say(true, 'the superblock has the error flag');
  if (superblock.kind === 'ext') {
    if (superblock.errorCount > 0) say(true, errorsText(superblock));
    if (!superblock.hasJournal && !superblock.valid && isReadOnly(seen))
      say(true, 'the superblock says that it was not unmounted cleanly, and there is no journal');
    // A remount to read-only empties the journal first; an error leaves it as it is.
    if (superblock.needsRecovery && isReadOnly(seen))
      say(
        true,
        'its journal was never emptied (needs_recovery): no remount to read-only was done in good order',
      );
  }
  if (evidence.length === 0) say(false, 'the superblock has no error flag and counts no error');
  return evidence;
}

function errorsText(superblock: Extract<Observation['superblock'], { kind: 'ext' }>): string {
  const { errorCount, firstError, lastError } = superblock;
  const first =
    firstError === null ? '' : `; first at ${firstError.time} in ${firstError.function}:${firstError.line}`;
  const last =
    lastError === null || errorCount < 2
      ? ''
      : `; last at ${lastError.time} in ${lastError.function}:${lastError.line}`;
  return `the superblock counts ${errorCount} ${errorCount === 1 ? 'error' : 'errors'} since the last e2fsck${first}${last}`;
}

function ofCounters({ errorsCount }: Observation): readonly Evidence[] {
  if (errorsCount === undefined) return [];
  const noun = errorsCount === 1 ? 'error' : 'errors';
  return [
    { kind: 'counter', bad: errorsCount > 0, detail: `the kernel counts ${errorsCount} ${noun} on it` },
  ];
}

const SHOWN_LINES = 5;

function ofLog({ logLines }: Observation): readonly Evidence[] {
  return logLines.slice(0, SHOWN_LINES).map(({ text }) => ({ kind: 'kernel-log', bad: true, detail: text }));
}
