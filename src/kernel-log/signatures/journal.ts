import { regex, type Signature } from '../signature.ts';

const JOURNAL = String.raw`(?<journal>[A-Za-z][\w!.:-]{0,63}[\w])`;
const OLD_OR_NEW = String.raw`(?:(?<kdev>[a-z0-9]{1,16}\(\d{1,5},\d{1,8}\)|[\da-f]{2}:[\da-f]{2})|${JOURNAL})`;

/** jbd and jbd2: the journals of ext3 and ext4. */
export const JOURNAL_SIGNATURES: readonly Signature[] = [
  {
    id: 'journal-aborted',
    eras: ['2.4', '2.6', '3', '4', '5', '6'],
    layer: 'journal',
    needles: ['Aborting journal'],
    pattern: regex`Aborting journal on device ${OLD_OR_NEW}`,
    fields: ['kdev', 'journal'],
    effect: 'journal-aborted',
    source: 'jbd/journal.c __journal_abort_hard(), jbd2/journal.c __jbd2_journal_abort_hard()',
  },
  {
    id: 'journal-commit-error',
    eras: ['2.4', '2.6', '3'],
    layer: 'journal',
    needles: ['journal commit I/O error'],
    pattern: regex`journal commit I/O error`,
    fields: [],
    effect: 'error',
    source: 'jbd/transaction.c or commit.c journal_commit_transaction()',
  },
  {
    id: 'journal-superblock-error',
    eras: ['2.6', '3', '4', '5', '6'],
    layer: 'journal',
    needles: ['journal superblock'],
    pattern: regex`JBD2?: (?:previous )?(?:I/O error|Error (?<error>-?\d{1,5}))(?: detected)? (?:when updating|for) journal superblock(?: update)? for ${JOURNAL}`,
    fields: ['error', 'journal'],
    effect: 'error',
    source: 'jbd/journal.c journal_update_superblock(), jbd2/journal.c jbd2_write_superblock()',
  },
  {
    id: 'journal-data-error',
    eras: ['2.6', '3', '4', '5', '6'],
    layer: 'journal',
    needles: ['Detected IO errors'],
    pattern: regex`JBD2?: Detected IO errors (?<error>-?\d{1,5} )?while flushing file data on ${JOURNAL}`,
    fields: ['error', 'journal'],
    effect: 'error',
    source: 'jbd/commit.c, jbd2/commit.c',
  },
];
