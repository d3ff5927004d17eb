/** A line of the kernel log that speaks against a file system. */
export interface LogLine {
  readonly text: string;
  /** Whether it says that the file system was given up; else it only tells of an error. */
  readonly abort: boolean;
}

/** What the kernel says when it gives up on a file system; `DEV` is the name of its device, in its words. */
const ABORTS: readonly string[] = [
  // ext3 and JBD of 2.4 to 2.6, ext4 and JBD2.
  'Aborting journal on device DEV(-\\d+)?\\.',
  'EXT[234]-fs (error|abort) \\(device DEV\\):? .*(Detected aborted journal|ext[34]_abort)',
  'EXT3-fs abort \\(device DEV\\)',
  'EXT4-fs \\(DEV\\): (Remounting filesystem read-only|shut down requested)',
  // XFS
  'XFS \\(DEV\\): .*(Shutting down filesystem|shutting down|has been shut down|User initiated shutdown)',
  'Filesystem "DEV": .*(Shutting down|I/O Error Detected)',
  // btrfs
  'BTRFS(: | )\\w+ \\(device DEV(: state [A-Z]+)?\\).*forced readonly',
  // ReiserFS and JFS
  'REISERFS: abort \\(device DEV\\)',
  'ERROR: \\(device DEV\\):.*remounting filesystem as read-only',
];

/** What it says of an error that it goes on after. */
const ERRORS: readonly string[] = [
  'EXT[234]-fs error \\(device DEV\\)',
  'BTRFS(: | )(error|critical) \\(device DEV(: state [A-Z]+)?\\)',
  'XFS \\(DEV\\): .*(Corruption|metadata I/O error)',
];

/** What it says when it mounts one: whatever came before belongs to an earlier mount. */
const MOUNTS: readonly string[] = [
  'EXT[234]-fs \\(DEV\\): mounted filesystem',
  'EXT3 FS on DEV, internal journal',
  'XFS \\(DEV\\): (Mounting|Ending clean mount)',
  'XFS mounting filesystem DEV',
  'BTRFS info \\(device DEV\\): first mount of filesystem',
  'ReiserFS: DEV: found reiserfs format',
];

const LONGEST_LINE = 300;

/**
 * The lines since the last mount of a device that speak against its file system. One line may hold several messages,
 * as in logs whose line breaks were lost. Control characters do not pass.
 */
export function logLinesOf(log: string, device: string): readonly LogLine[] {
  const name = device.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const anyOf = (patterns: readonly string[]): RegExp =>
    new RegExp(patterns.map((pattern) => `(?:${pattern.replaceAll('DEV', name)})`).join('|'));
  const [abort, error, mount] = [anyOf(ABORTS), anyOf(ERRORS), anyOf(MOUNTS)];
  let found: LogLine[] = [];
  for (const line of log.split('\n')) {
    if (mount.test(line)) found = [];
    const isAbort = abort.test(line);
    if (!isAbort && !error.test(line)) continue;
    found.push({ text: line.replace(/\p{Cc}/gu, '?').slice(0, LONGEST_LINE), abort: isAbort });
  }
  return found;
}
