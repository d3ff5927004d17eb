import type { ExtSuperblock } from './ext.ts';
import type { Superblock } from './parse.ts';

/** What a superblock says of its file system, in one line. */
export interface SuperblockWords {
  /** Whether it speaks against writing. */
  readonly bad: boolean;
  /** Whether it says that the journal was given up. */
  readonly aborted?: boolean;
  readonly detail: string;
}

/** Whatever a superblock has on record; one reassuring line where that is nothing. Pure. */
export function superblockEvidence(superblock: Superblock, isReadOnly: boolean): readonly SuperblockWords[] {
  const found = MARKS.flatMap(({ holds, words, aborted }) =>
    holds(superblock, isReadOnly)
      ? [{ bad: true, aborted: aborted ?? false, detail: words(superblock) }]
      : [],
  );
  if (found.length > 0) return found;
  const detail =
    superblock.kind === 'xfs'
      ? 'the superblock has no mark of an error (XFS keeps none but needsrepair)'
      : 'the superblock has no error flag and counts no error';
  return [{ bad: false, detail }];
}

interface Mark {
  readonly holds: (superblock: Superblock, isReadOnly: boolean) => boolean;
  readonly words: (superblock: Superblock) => string;
  readonly aborted?: true;
}

const MARKS: readonly Mark[] = [
  { holds: ({ checksum }) => checksum === 'bad', words: () => 'the superblock’s checksum is wrong' },
  {
    holds: (one) => one.kind === 'xfs' && one.needsRepair,
    words: () => 'the superblock says that xfs_repair must run',
  },
  { holds: (one) => one.kind !== 'xfs' && one.errorFlag, words: () => 'the superblock has the error flag' },
  {
    holds: (one) => one.kind === 'ext' && one.errorCount > 0,
    words: (one) => (one.kind === 'ext' ? errorsText(one) : ''),
  },
  {
    holds: (one, isReadOnly) => one.kind === 'ext' && !one.hasJournal && !one.valid && isReadOnly,
    words: () => 'the superblock says that it was not unmounted cleanly, and there is no journal',
  },
  // A remount to read-only empties the journal first; an error leaves it as it is.
  {
    holds: (one, isReadOnly) => one.kind === 'ext' && one.needsRecovery && isReadOnly,
    words: () =>
      'its journal was never emptied (needs_recovery): it was not remounted read-only in an orderly way',
    aborted: true,
  },
];

function errorsText({ errorCount, firstError, lastError }: ExtSuperblock): string {
  const first =
    firstError === null ? '' : `; first at ${firstError.time} in ${firstError.function}:${firstError.line}`;
  const last =
    lastError === null || errorCount < 2
      ? ''
      : `; last at ${lastError.time} in ${lastError.function}:${lastError.line}`;
  return `the superblock counts ${errorCount} ${errorCount === 1 ? 'error' : 'errors'} since the last e2fsck${first}${last}`;
}
