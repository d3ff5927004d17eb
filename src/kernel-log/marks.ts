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

/**
 * From fs/{ext3,ext4,jbd,jbd2,xfs,btrfs,reiserfs,jfs} of 2.4 to 6.x. A message may hold several of these. They are the
 * part of `signatures.ts` that a look each minute needs: the whole table would take longer to load than the look.
 */
export const LOG_PATTERNS: readonly Pattern[] = [
  {
    kind: 'abort',
    text: /(?:EXT[234]|F2FS)-fs \(([^\s)]+)\): (?:error: )?[Rr]emounting filesystem read-only/,
  },
  { kind: 'abort', text: /EXT[34]-fs abort \(device (\w+\(\d+,\d+\)|[^\s)]+)\)/ },
  { kind: 'abort', text: /EXT[34]-fs error \(device (\w+\(\d+,\d+\)|[^\s)]+)\).*Detected aborted journal/ },
  { kind: 'abort', text: /Aborting journal on device ([^\s]+?)\.?(?=\s|$)/ },
  { kind: 'error', text: /EXT[234]-fs error \(device (\w+\(\d+,\d+\)|[^\s)]+)\)/ },
  { kind: 'abort', text: /XFS \(([^\s)]+)\): .*[Ss]hutting down filesystem/ },
  { kind: 'abort', text: /XFS \(([^\s)]+)\): .*[Ff]ilesystem has been shut down/ },
  { kind: 'abort', text: /XFS \(([^\s)]+)\): xfs_do_force_shutdown\(/ },
  { kind: 'abort', text: /xfs_force_shutdown\((\w+\(\d+,\d+\)|[^\s,)]+),0x/ },
  { kind: 'abort', text: /XFS \(([^\s)]+)\): User initiated shutdown received/ },
  { kind: 'abort', text: /Filesystem "([^\s"]+)": .*[Ss]hutting down filesystem/ },
  { kind: 'abort', text: /BTRFS.*?\(device ([^\s):]+)[^)]*\).*forced readonly/ },
  { kind: 'abort', text: /BTRFS.*?\(device ([^\s):]+)[^)]*\).*Transaction aborted/ },
  { kind: 'abort', text: /REISERFS:? abort \(device ([^\s)]+)\)/ },
  { kind: 'abort', text: /\(device ([^\s)]+)\): .*remounting filesystem as read-only/ },
  // Not `re-mounted`, which ext4 says of a remount: that never brings back what was given up.
  { kind: 'mounted', text: /EXT[234]-fs \(([^\s)]+)\): mounted filesystem/ },
  { kind: 'mounted', text: /EXT[23] FS on ([^\s,]+), / },
  { kind: 'mounted', text: /XFS \(([^\s)]+)\): (?:Mounting|Ending clean mount|Ending recovery)/ },
  { kind: 'mounted', text: /XFS mounting filesystem (\S+)/ },
  { kind: 'mounted', text: /BTRFS.*?\(device ([^\s):]+)[^)]*\): first mount of filesystem/ },
];

/** Nearly every message is about something else, and is done with by this one look. */
const WORTH_A_LOOK = /EXT[234]|XFS|BTRFS|REISERFS|[Jj]ournal|read-only|hutting down|force_shutdown/;

/** Messages about a disk's trouble, worth a place in a mail. */
const TROUBLE =
  /SCSI [Ee]rror|Result: hostbyte|timing out command|I\/O error|IOCStatus|lost .{0,20}page write|abort/;

/** All that one message says. */
export function logMarks(text: string): readonly LogMark[] {
  if (!WORTH_A_LOOK.test(text)) return [];
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
