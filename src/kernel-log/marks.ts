import { nameOfOldDevice } from './devices.ts';

/** What a message says about whether a file system can be written. */
export interface LogMark {
  /** `abort`: it gave up. `error`: it met an error. `mounted`: it was mounted, which ends what was before. */
  readonly kind: 'abort' | 'error' | 'mounted';
  /** As the message names the disk: `sda1`, `dm-0`. */
  readonly device: string;
}

interface Pattern {
  readonly kind: LogMark['kind'];
  /** The first group is the disk. */
  readonly text: RegExp;
}

/** A pattern from the beginning of a message, and so never of words that a user chose; see `Signature.pattern`. */
function begins(strings: TemplateStringsArray, ...parts: readonly string[]): RegExp {
  return new RegExp(`^${String.raw(strings, ...parts)}`);
}

/** `sda1`, and `sd(8,1)` of 2.4. */
const DISK = String.raw`(\w+\(\d+,\d+\)|[A-Za-z][\w!.-]*)`;
/** With `: state EA` from 5.18 on. */
const BTRFS = String.raw`BTRFS:? (?:[a-z]+ )?\(device ([A-Za-z][\w!./-]*)(?::? state [A-Z]+)?\): `;
/** `Log I/O Error (0x2) detected at xlog_ioend_work+0x60/0xb0 [xfs] (fs/xfs/xfs_log.c:1377).  Shutting down filesystem` */
const SHUTTING_DOWN = String.raw`[A-Z][\w/ -]{1,48}(?: \(0x[\da-f]+\))?(?: detected at \S+?(?: \[xfs\])?(?: \([^)]*\))?)?\. {1,2}Shutting down filesystem`;

/**
 * From fs/{ext3,ext4,jbd,jbd2,xfs,btrfs,reiserfs,jfs} of 2.4 to 6.x. They are the part of `signatures.ts` that a look each
 * minute needs: the whole table would take longer to load than the look.
 */
export const LOG_PATTERNS: readonly Pattern[] = [
  {
    kind: 'abort',
    text: begins`(?:EXT[234]|F2FS)-fs \(${DISK}\): (?:error: )?[Rr]emounting filesystem read-only`,
  },
  { kind: 'abort', text: begins`EXT[34]-fs abort \(device ${DISK}\): ` },
  {
    kind: 'abort',
    text: begins`EXT[34]-fs error \(device ${DISK}\): [\w:]+: (?:comm .{1,32}?: )?Detected aborted journal`,
  },
  {
    kind: 'abort',
    text: begins`(?:JBD2?: )?Aborting journal on device (\w+\(\d+,\d+\)|[A-Za-z][\w!.:-]*?)\.?(?=\s|$)`,
  },
  { kind: 'error', text: begins`EXT[234]-fs error \(device ${DISK}\)` },
  { kind: 'abort', text: begins`XFS \(${DISK}\): ${SHUTTING_DOWN}` },
  { kind: 'abort', text: begins`XFS \(${DISK}\): Filesystem has been shut down` },
  { kind: 'abort', text: begins`XFS \(${DISK}\): xfs_do_force_shutdown\(` },
  { kind: 'abort', text: begins`xfs_force_shutdown\(${DISK},0x` },
  { kind: 'abort', text: begins`XFS \(${DISK}\): User initiated shutdown received` },
  { kind: 'abort', text: begins`Filesystem "([\w!./-]+)": ${SHUTTING_DOWN}` },
  { kind: 'abort', text: begins`${BTRFS}forced readonly` },
  { kind: 'abort', text: begins`${BTRFS}Transaction aborted` },
  { kind: 'abort', text: begins`REISERFS:? abort \(device ${DISK}\)` },
  { kind: 'abort', text: begins`ERROR: \(device ${DISK}\): remounting filesystem as read-only` },
  // Not `re-mounted`, which ext4 says of a remount: that never brings back what was given up.
  { kind: 'mounted', text: begins`EXT[234]-fs \(${DISK}\): mounted filesystem` },
  { kind: 'mounted', text: begins`EXT[23] FS on ${DISK}, ` },
  { kind: 'mounted', text: begins`XFS \(${DISK}\): (?:Mounting|Ending clean mount|Ending recovery)` },
  { kind: 'mounted', text: begins`XFS mounting filesystem ${DISK}` },
  { kind: 'mounted', text: begins`${BTRFS}first mount of filesystem` },
];

/** Nearly every message is about something else, and is done with by this one look. */
const WORTH_A_LOOK = /EXT[234]|XFS|BTRFS|REISERFS|[Jj]ournal|read-only|hutting down|force_shutdown/;

/** Old kernels and web pages put the disk's messages on one line with the file system's. */
const OF_THE_DISK =
  /^(?:(?:SCSI [Ee]rror : (?:<?[\d ]+>? )?return code = 0x[\da-f]+|end_request: I\/O error, dev [\w!.-]+, sector \d+)[. ]+){1,2}/;

/** Messages about a disk's trouble, worth a place in a mail. */
const TROUBLE =
  /^(?=sd|sr|SCSI|scsi|end_request|blk_|print_req|I\/O|critical|device|Buffer|lost|mpt|Aborting|JBD|ext[34]_|journal|nvme|ata|vd|virtio|hd).*(?:SCSI [Ee]rror|Result: hostbyte|timing out command|I\/O error|IOCStatus|lost .{0,20}page write|abort|Abort)/;

/** All that one message says; without the prefix of its line. */
export function logMarks(message: string): readonly LogMark[] {
  if (!WORTH_A_LOOK.test(message)) return [];
  const text = message.replace(OF_THE_DISK, '');
  return LOG_PATTERNS.flatMap(({ kind, text: pattern }) => {
    const device = pattern.exec(text)?.[1];
    return device === undefined ? [] : [{ kind, device: diskName(device) }];
  });
}

export function reportsTrouble(text: string): boolean {
  return TROUBLE.test(text) || logMarks(text).some(({ kind }) => kind !== 'mounted');
}

/** jbd2 adds the journal's inode to the disk's name: `sda1-8`, `dm-0-8` (jbd2_journal_init_inode); 2.4 has `sd(8,1)`. */
function diskName(name: string): string {
  if (name.endsWith(')')) return nameOfOldDevice(name);
  return /^(dm-\d+|.+?)(?:-\d+)?$/.exec(name)?.[1] ?? name;
}
