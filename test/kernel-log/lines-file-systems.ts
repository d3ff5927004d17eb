import { type Line, message } from './line.ts';

/** Journals and file systems, as their kernels print it. */
export const FILE_SYSTEM_LINES: readonly Line[] = [
  // 2.4
  {
    era: '2.4',
    line: 'Mar  3 04:02:12 rh3 kernel: Aborting journal on device sd(8,2).',
    events: [message('journal-aborted', { kdev: 'sd(8,2)', device: 'sda2' })],
  },
  {
    era: '2.4',
    line: 'EXT3-fs abort (device sd(8,2)): ext3_journal_start: Detected aborted journal',
    events: [
      message(
        'ext3-abort',
        { kdev: 'sd(8,2)', device: 'sda2', function: 'ext3_journal_start' },
        'Detected aborted journal',
      ),
    ],
  },
  {
    era: '2.4',
    line: 'ext3_abort called.',
    events: [message('ext3-abort-called', { function: 'ext3_abort' })],
  },
  {
    era: '2.4',
    line: 'Remounting filesystem read-only',
    events: [message('remounted-read-only')],
  },
  {
    era: '2.4',
    line: 'EXT2-fs error (device sd(8,17)): ext2_readdir: bad page in #2',
    events: [
      message('ext-error', { kdev: 'sd(8,17)', device: 'sdb1', function: 'ext2_readdir' }, 'bad page in #2'),
    ],
  },
  {
    era: '2.4',
    line: 'xfs_force_shutdown(sd(8,5),0x2) called from line 966 of file xfs_log.c.  Return address = 0xc01f4d3a',
    events: [message('xfs-force-shutdown-old', { kdev: 'sd(8,5)', device: 'sda5', code: '2' })],
  },
  // 2.6
  {
    era: '2.6',
    line: 'Aborting journal on device dm-0.',
    events: [message('journal-aborted', { journal: 'dm-0', device: 'dm-0' })],
  },
  {
    era: '2.6',
    line: 'journal commit I/O error',
    events: [message('journal-commit-error')],
  },
  {
    era: '2.6',
    line: 'EXT3-fs error (device dm-0): ext3_journal_start_sb: Detected aborted journal',
    events: [message('ext-aborted-journal', { device: 'dm-0', function: 'ext3_journal_start_sb' })],
  },
  {
    era: '2.6',
    line: 'EXT3-fs error (device dm-0) in start_transaction: Journal has aborted',
    events: [message('ext-error', { device: 'dm-0', function: 'start_transaction' }, 'Journal has aborted')],
  },
  {
    era: '2.6',
    line: 'EXT3-fs error (device sdb1): ext3_find_entry: reading directory #2 offset 0',
    events: [
      message('ext-error', { device: 'sdb1', function: 'ext3_find_entry' }, 'reading directory #2 offset 0'),
    ],
  },
  {
    era: '2.6',
    line: 'REISERFS: abort (device dm-3): Journal write error in flush_commit_list',
    events: [message('reiserfs-abort', { device: 'dm-3' }, 'Journal write error in flush_commit_list')],
  },
  {
    era: '2.6',
    line: 'REISERFS error (device sda2): vs-13070 reiserfs_read_locked_inode: i/o failure occurred',
    events: [
      message(
        'reiserfs-error',
        { device: 'sda2' },
        'vs-13070 reiserfs_read_locked_inode: i/o failure occurred',
      ),
    ],
  },
  {
    era: '2.6',
    line: 'ERROR: (device sdc1): remounting filesystem as read-only',
    events: [message('jfs-read-only', { device: 'sdc1' })],
  },
  {
    era: '2.6',
    line: 'ERROR: (device sdc1): diRead: read_metapage failed',
    events: [message('jfs-error', { device: 'sdc1' }, 'diRead: read_metapage failed')],
  },
  {
    era: '2.6',
    line: 'lbmIODone: I/O error in JFS log',
    events: [message('jfs-log-error')],
  },
  {
    era: '2.6',
    line: 'I/O error in filesystem ("dm-4") meta-data dev dm-4 block 0x3a0012       ("xlog_iodone") error 5 buf count 1024',
    events: [
      message(
        'xfs-metadata-error-old',
        { device: 'dm-4', block: '3a0012' },
        '("xlog_iodone") error 5 buf count 1024',
      ),
    ],
  },
  {
    era: '2.6',
    line: 'Filesystem "dm-4": Log I/O Error Detected.  Shutting down filesystem: dm-4',
    events: [message('xfs-shutdown-old', { what: 'Log I/O Error Detected', device: 'dm-4' })],
  },
  {
    era: '2.6',
    line: 'xfs_force_shutdown(dm-4,0x2) called from line 956 of file fs/xfs/xfs_log.c.  Return address = 0xffffffffa02f1a5b',
    events: [message('xfs-force-shutdown-old', { device: 'dm-4', code: '2' })],
  },
  {
    era: '2.6',
    line: 'EXT4-fs error (device sdj1): ext4_journal_start_sb:327: Detected aborted journal',
    events: [message('ext-aborted-journal', { device: 'sdj1', function: 'ext4_journal_start_sb' })],
  },
  {
    era: '2.6',
    line: 'EXT4-fs (sdc1): previous I/O error to superblock detected',
    events: [message('ext-superblock-write-error', { device: 'sdc1' })],
  },
  {
    era: '2.6',
    line: 'JBD: I/O error detected when updating journal superblock for dm-0.',
    events: [message('journal-superblock-error', { journal: 'dm-0', device: 'dm-0' })],
  },
  {
    era: '2.6',
    line: 'JBD2: Detected IO errors while flushing file data on dm-0-8',
    events: [message('journal-data-error', { journal: 'dm-0-8', device: 'dm-0' })],
  },
  // 3.x
  {
    era: '3',
    line: 'EXT3-fs (sda1): error: remounting filesystem read-only',
    events: [message('remounted-read-only', { device: 'sda1' })],
  },
  {
    era: '3',
    line: 'EXT3-fs (sda1): error: ext3_journal_start_sb: Detected aborted journal',
    events: [
      message(
        'ext-error-3',
        { device: 'sda1', function: 'ext3_journal_start_sb' },
        'Detected aborted journal',
      ),
    ],
  },
  {
    era: '3',
    line: 'EXT2-fs (sdb1): error: ext2_get_inode: unable to read inode block - inode=2, block=66',
    events: [
      message(
        'ext-error-3',
        { device: 'sdb1', function: 'ext2_get_inode' },
        'unable to read inode block - inode=2, block=66',
      ),
    ],
  },
  {
    era: '3',
    line: 'Aborting journal on device sda1-8.',
    events: [message('journal-aborted', { journal: 'sda1-8', device: 'sda1' })],
  },
  {
    era: '3',
    line: 'EXT4-fs (sda1): Remounting filesystem read-only',
    events: [message('remounted-read-only', { device: 'sda1' })],
  },
  {
    era: '3',
    line: 'XFS (dm-2): metadata I/O error: block 0x2c01 ("xlog_iodone") error 5 numblks 64',
    events: [message('xfs-metadata-error', { device: 'dm-2', block: '2c01', error: '5' })],
  },
  {
    era: '3',
    line: 'XFS (dm-2): Log I/O Error Detected.  Shutting down filesystem',
    events: [message('xfs-shutdown', { device: 'dm-2', what: 'Log I/O Error' })],
  },
  {
    era: '3',
    line: 'XFS (dm-2): xfs_do_force_shutdown(0x2) called from line 1170 of file fs/xfs/xfs_log.c.  Return address = 0xffffffffa0287ab0',
    events: [message('xfs-force-shutdown', { device: 'dm-2', code: '2' })],
  },
  {
    era: '3',
    line: 'XFS (dm-2): xfs_log_force: error 5 returned.',
    events: [message('xfs-log-error', { device: 'dm-2', error: '5' })],
  },
  {
    era: '3',
    line: 'BTRFS error (device sdb1) in btrfs_commit_transaction:1824: errno=-5 IO failure',
    events: [
      message(
        'btrfs-error',
        { device: 'sdb1', function: 'btrfs_commit_transaction', error: '-5' },
        'IO failure',
      ),
    ],
  },
  {
    era: '3',
    line: 'btrfs is forced readonly',
    events: [message('btrfs-forced-read-only')],
  },
  // 4.x
  {
    era: '4',
    line: 'EXT4-fs error (device sda1): ext4_journal_check_start:61: Detected aborted journal',
    events: [message('ext-aborted-journal', { device: 'sda1', function: 'ext4_journal_check_start' })],
  },
  {
    era: '4',
    line: 'JBD2: Error -5 detected when updating journal superblock for dm-1-8.',
    events: [message('journal-superblock-error', { error: '-5', journal: 'dm-1-8', device: 'dm-1' })],
  },
  {
    era: '4',
    line: 'EXT4-fs error (device sda2): ext4_find_entry:1455: inode #2: comm ls: reading directory lblock 0',
    events: [
      message(
        'ext-error',
        { device: 'sda2', function: 'ext4_find_entry' },
        'inode #2: comm ls: reading directory lblock 0',
      ),
    ],
  },
  {
    era: '4',
    line: 'EXT4-fs (dm-1): I/O error while writing superblock',
    events: [message('ext-superblock-write-error', { device: 'dm-1' })],
  },
  {
    era: '4',
    line: 'EXT4-fs (sda1): initial error at time 1530000000: ext4_journal_check_start:61',
    events: [
      message('ext4-first-error', {
        device: 'sda1',
        what: 'initial',
        seconds: '1530000000',
        function: 'ext4_journal_check_start',
      }),
    ],
  },
  {
    era: '4',
    line: 'EXT4-fs (sda1): error count since last fsck: 3',
    events: [message('ext4-error-count', { device: 'sda1', count: '3' })],
  },
  {
    era: '4',
    line: 'EXT4-fs warning (device sda1): ext4_end_bio:322: I/O error 10 writing to inode 131 (offset 0 size 8192 starting block 3002)',
    events: [
      message(
        'ext4-end-bio',
        { device: 'sda1', function: 'ext4_end_bio', error: '10', operation: 'writing' },
        'to inode 131 (offset 0 size 8192 starting block 3002)',
      ),
    ],
  },
  // 5.x and 6.x
  {
    era: '5',
    line: '[  947.775594] XFS (dm-0): log I/O error -5',
    kernelSeconds: 947.775594,
    events: [message('xfs-log-error', { device: 'dm-0', error: '-5' })],
  },
  {
    era: '5',
    line: 'XFS (dm-0): Log I/O Error (0x2) detected at xlog_ioend_work+0x60/0xb0 [xfs] (fs/xfs/xfs_log.c:1377).  Shutting down filesystem.',
    events: [message('xfs-shutdown', { device: 'dm-0', what: 'Log I/O Error' })],
  },
  {
    era: '5',
    line: 'XFS (sdb1): metadata I/O error in "xfs_buf_ioend+0x1e2/0x5e0 [xfs]" at daddr 0x1f40 len 32 error 5',
    events: [
      message('xfs-metadata-error', {
        device: 'sdb1',
        function: 'xfs_buf_ioend+0x1e2/0x5e0 [xfs]',
        error: '5',
      }),
    ],
  },
  {
    era: '6',
    line: 'XFS (loop0): Filesystem has been shut down due to log error (0x2).',
    events: [message('xfs-shutdown', { device: 'loop0', error: 'log error' })],
  },
  {
    era: '6',
    line: 'EXT4-fs error (device sda1): ext4_journal_check_start:83: comm dd: Detected aborted journal',
    events: [
      message('ext-aborted-journal', {
        device: 'sda1',
        function: 'ext4_journal_check_start',
        process: 'dd',
      }),
    ],
  },
  {
    era: '6',
    line: 'JBD2: I/O error when updating journal superblock for sda1-8.',
    events: [message('journal-superblock-error', { journal: 'sda1-8', device: 'sda1' })],
  },
  {
    era: '6',
    line: 'BTRFS: error (device dm-2: state A) in btrfs_create_new_inode:6670: errno=-17 Object already exists',
    events: [
      message(
        'btrfs-error',
        { device: 'dm-2', function: 'btrfs_create_new_inode', error: '-17' },
        'Object already exists',
      ),
    ],
  },
  {
    era: '6',
    line: 'BTRFS info (device nvme0n1p3 state EA): forced readonly',
    events: [message('btrfs-forced-read-only', { device: 'nvme0n1p3' })],
  },
  {
    era: '6',
    line: 'XFS (sdb1): User initiated shutdown received.',
    events: [message('xfs-shutdown', { device: 'sdb1' })],
  },
  {
    era: '6',
    line: 'BTRFS error (device dm-2: state A): Transaction aborted (error -5)',
    events: [message('btrfs-transaction-aborted', { device: 'dm-2', error: '-5' })],
  },
  {
    era: '6',
    line: 'BTRFS: Transaction aborted (error -5)',
    events: [message('btrfs-transaction-aborted', { error: '-5' })],
  },
  {
    era: '6',
    line: 'EXT4-fs (sdb): This should not happen!! Data will be lost',
    events: [message('ext4-lost-data', { device: 'sdb' })],
  },
  // Several messages on one line: the article's sample, and a web page that lost its line breaks.
  {
    era: '2.6',
    line: 'end_request: I/O error, dev sda, sector 4928181 Aborting journal on device dm-0 ext3_abort called.',
    events: [
      message('block-error', { what: 'I/O', device: 'sda', sector: '4928181' }),
      message('journal-aborted', { journal: 'dm-0', device: 'dm-0' }),
      message('ext3-abort-called', { function: 'ext3_abort' }),
    ],
  },
  {
    era: '2.6',
    line: 'SCSI Error : <0 0 0 0> return code = 0x20008 end_request: I/O error, dev sda, sector 4928181 EXT3-fs error (device dm-0): ext3_journal_start_sb: Detected aborted journal Remounting filesystem read-only',
    events: [
      message('scsi-return-code-rhel4', {
        host: '0',
        channel: '0',
        id: '0',
        lun: '0',
        address: '0:0:0:0',
        code: '20008',
      }),
      message('block-error', { what: 'I/O', device: 'sda', sector: '4928181' }),
      message('ext-aborted-journal', { device: 'dm-0', function: 'ext3_journal_start_sb' }),
      message('remounted-read-only'),
    ],
  },
  {
    era: '2.6',
    line: 'mptbase: ioc0: IOCStatus(0x0002): Busy sd 0:0:0:0: SCSI error: return code = 0x00020008',
    events: [
      message('mpt-iocstatus', { adapter: 'ioc0', code: '0x0002' }, 'Busy'),
      message('scsi-return-code', { address: '0:0:0:0', code: '00020008' }),
    ],
  },
];
