import { describe, expect, test } from 'vitest';
import { parseKernelLog } from '../../src/filesystems/observe.ts';

/** Device, line, and whether it says that the file system was given up; null: it is not of that device. */
const LINES: readonly (readonly [device: string, line: string, abort: boolean | null])[] = [
  ['dm-0', 'Aborting journal on device dm-0.', true],
  [
    'dm-0',
    'end_request: I/O error, dev sda, sector 4928181 Aborting journal on device dm-0. ext3_abort called.',
    true,
  ],
  ['dm-0', 'EXT3-fs error (device dm-0): ext3_journal_start_sb: Detected aborted journal', true],
  ['sda1', 'EXT3-fs abort (device sda1): ext3_abort called', true],
  ['sda1', 'EXT3-fs error (device sda1): ext3_find_entry: reading directory #2 offset 0', false],
  ['sda', 'Aborting journal on device sda-8.', true],
  ['sda', 'EXT4-fs (sda): Remounting filesystem read-only', true],
  ['sda', 'EXT4-fs error (device sda): ext4_journal_check_start:61: Detected aborted journal', true],
  [
    'sda',
    'EXT4-fs error (device sda): ext4_find_entry:1463: inode #2: comm ls: reading directory lblock 0',
    false,
  ],
  [
    'dm-1',
    'XFS (dm-1): Log I/O Error (0x2) detected at xlog_ioend_work+0x5e/0xa0 [xfs].  Shutting down filesystem.',
    true,
  ],
  ['dm-1', 'Filesystem "dm-1": I/O Error Detected.  Shutting down filesystem: dm-1', true],
  ['sdb', 'BTRFS info (device sdb: state E): forced readonly', true],
  [
    'sdb',
    'BTRFS: error (device sdb) in btrfs_commit_transaction:2465: errno=-5 IO failure (Error while writing out transaction)',
    false,
  ],
  ['sda2', 'REISERFS: abort (device sda2): Journal write error in flush_commit_list', true],
  ['sda2', 'ERROR: (device sda2): remounting filesystem as read-only', true],
  ['sda', 'Aborting journal on device sda1.', null],
  ['sda1', 'EXT4-fs (sda10): Remounting filesystem read-only', null],
  ['sd.1', 'Aborting journal on device sda1.', null],
];

const logLinesOf = (log: string, device: string) => parseKernelLog(log).get(device)?.lines ?? [];

describe('a line of the kernel log', () => {
  test.each(LINES)('of %s: %s', (device, line, abort) => {
    const found = logLinesOf(`noise\n[   12.345678] ${line}\nnoise\n`, device);
    expect(found.map((one) => one.abort)).toEqual(abort === null ? [] : [abort]);
  });
});

test('what came before the last mount belongs to another one', () => {
  const log = [
    'Aborting journal on device loop0-8.',
    'EXT4-fs (loop0): mounted filesystem with ordered data mode',
    'EXT4-fs error (device loop0): x:1: comm sh: 1',
    'EXT4-fs (loop0): re-mounted. Opts: errors=remount-ro',
  ].join('\n');
  expect(logLinesOf(log, 'loop0')).toEqual([
    { text: 'EXT4-fs error (device loop0): x:1: comm sh: 1', abort: false, reported: true },
  ]);
});

test('control characters do not pass, and a line is cut', () => {
  const [line] = logLinesOf(`\u001B[31mAborting journal on device sda. \u0007${'x'.repeat(10_000)}`, 'sda');
  expect([line?.text.length, line?.text.startsWith('Aborting journal on device sda. ?x')]).toEqual([
    300,
    true,
  ]);
});
