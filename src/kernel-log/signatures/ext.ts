import { DEVICE, endOf, OLD_OR_NEW_DEVICE, ofLayer, regex } from '../signature.ts';

const FUNCTION = String.raw`(?<function>[A-Za-z_]\w{0,63})(?::\d{1,6})?`;

/** ext2, ext3 and ext4. */
export const EXT_SIGNATURES = ofLayer('file-system', [
  {
    id: 'ext3-abort-called',
    eras: ['2.4', '2.6'],
    needles: ['ext3_abort called', 'ext4_abort called'],
    pattern: regex`(?<function>ext[34]_abort) called`,
    effect: 'journal-aborted',
    source: 'ext3/super.c ext3_abort(), to 2.6.34; ext4/super.c of 2.6.19 to 2.6.28',
  },
  {
    id: 'ext3-abort',
    eras: ['2.4', '2.6'],
    needles: ['-fs abort (device '],
    pattern: regex`EXT[34]-fs abort \(device ${OLD_OR_NEW_DEVICE}\): ${FUNCTION}: `,
    effect: 'journal-aborted',
    tail: true,
    source: 'ext3/super.c ext3_abort(), 2.4 (RHEL 3) and early 2.6',
  },
  {
    id: 'ext-aborted-journal',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['etected aborted journal'],
    pattern: regex`EXT[34]-fs error \(device ${OLD_OR_NEW_DEVICE}\): ${FUNCTION}: (?:comm (?<process>[^\n]{1,32}?): )?[Dd]etected aborted journal`,
    effect: 'journal-aborted',
    source: 'ext3/super.c ext3_journal_start_sb(), ext4/ext4_jbd2.c ext4_journal_check_start()',
  },
  {
    id: 'ext-error',
    eras: ['2.4', '2.6', '3', '4', '5', '6'],
    needles: ['EXT2-fs error', 'EXT3-fs error', 'EXT4-fs error'],
    pattern: regex`EXT[234]-fs error \(device ${OLD_OR_NEW_DEVICE}\)(?:: | in )${FUNCTION}: `,
    effect: 'error',
    tail: 'names',
    source: 'super.c ext3_error(), ext3_std_error(), __ext4_error(), ext4_error_inode()',
  },
  {
    id: 'ext-error-3',
    eras: ['3'],
    needles: ['EXT2-fs (', 'EXT3-fs ('],
    pattern: regex`EXT[23]-fs \((?<device>${DEVICE})\): error: (?! remounting)(?:in )?${FUNCTION}: `,
    effect: 'error',
    tail: 'names',
    source: 'ext2/super.c ext2_error(), ext3/super.c ext3_msg(), from 2.6.34',
  },
  {
    id: 'ext-superblock-write-error',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['I/O error while writing superblock', 'I/O error to superblock detected'],
    pattern: regex`EXT[34]-fs(?:: | \((?<device>${DEVICE})\): )(?:I/O error while writing superblock|previous I/O error to superblock detected)`,
    effect: 'error',
    source: 'ext4/super.c ext4_commit_super()',
  },
  {
    id: 'ext4-first-error',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['): initial error at ', '): last error at '],
    pattern: regex`EXT4-fs \((?<device>${DEVICE})\): (?<what>initial|last) error at (?:time )?(?<seconds>\d{1,12}): ${FUNCTION}`,
    effect: 'error',
    source: 'ext4/super.c print_daily_error_info(), from 2.6.36: daily, from the superblock',
  },
  {
    id: 'ext4-error-count',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['): error count'],
    pattern: regex`EXT4-fs \((?<device>${DEVICE})\): error count(?: since last fsck)?: (?<count>\d{1,10})`,
    effect: 'error',
    source: 'ext4/super.c print_daily_error_info()',
  },
  {
    id: 'ext4-lost-data',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['Data will be lost'],
    pattern: regex`EXT4-fs \((?<device>${DEVICE})\): (?:This should not happen!! )?Data will be lost`,
    effect: 'error',
    source: 'ext4/inode.c mpage_map_and_submit_extent()',
  },
  {
    id: 'ext4-end-bio',
    eras: ['3', '4', '5', '6'],
    needles: ['ext4_end_bio'],
    pattern: regex`EXT4-fs warning \(device (?<device>${DEVICE})\): ${FUNCTION}: I/O error (?:(?<error>-?\d{1,5}) )?(?<operation>writing|reading) `,
    effect: 'error',
    tail: true,
    source: 'ext4/page-io.c ext4_end_bio()',
  },
  {
    id: 'remounted-read-only',
    eras: ['2.4', '2.6', '3', '4', '5', '6'],
    needles: ['emounting filesystem '],
    pattern: regex`(?:(?:EXT[234]|F2FS)-fs \((?<device>${DEVICE})\): )?(?:error: )?[Rr]emounting filesystem read-only`,
    effect: 'read-only',
    source: 'super.c ext2_error(), ext3_handle_error(), ext4_handle_error(); bare to 2.6.33',
  },
]);

const JOURNAL = String.raw`(?<journal>[A-Za-z][\w!.:-]{0,63}?\w)(?=[!.:-]{0,9}${endOf(String.raw`[\w!.:-]`)})`;
const OLD_OR_NEW = String.raw`(?:(?<kdev>[a-z0-9]{1,16}\(\d{1,5},\d{1,8}\)|[\da-f]{2}:[\da-f]{2})|${JOURNAL})`;

/** jbd and jbd2: the journals of ext3 and ext4. */
export const JOURNAL_SIGNATURES = ofLayer('journal', [
  {
    id: 'journal-aborted',
    eras: ['2.4', '2.6', '3', '4', '5', '6'],
    needles: ['Aborting journal'],
    pattern: regex`(?:JBD2?: )?Aborting journal on device ${OLD_OR_NEW}`,
    effect: 'journal-aborted',
    source: 'jbd/journal.c __journal_abort_hard(), jbd2/journal.c __jbd2_journal_abort_hard()',
  },
  {
    id: 'journal-commit-error',
    eras: ['2.4', '2.6', '3'],
    needles: ['journal commit I/O error'],
    pattern: regex`journal commit I/O error`,
    effect: 'error',
    source: 'jbd/transaction.c or commit.c journal_commit_transaction()',
  },
  {
    id: 'journal-superblock-error',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['journal superblock'],
    pattern: regex`JBD2?: (?:previous )?(?:I/O error|Error (?<error>-?\d{1,5}))(?: detected)? (?:when updating|for) journal superblock(?: update)? for ${JOURNAL}`,
    effect: 'error',
    source: 'jbd/journal.c journal_update_superblock(), jbd2/journal.c jbd2_write_superblock()',
  },
  {
    id: 'journal-data-error',
    eras: ['2.6', '3', '4', '5', '6'],
    needles: ['Detected IO errors'],
    pattern: regex`JBD2?: Detected IO errors (?<error>-?\d{1,5} )?while flushing file data on ${JOURNAL}`,
    effect: 'error',
    source: 'jbd/commit.c, jbd2/commit.c',
  },
]);
