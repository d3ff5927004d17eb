import { type LogMark, logMarks } from '../kernel-log/marks.ts';

/** What the kernel's messages say of one disk's file system. */
export interface DiskLog {
  /** The last mount of it in the log; `lines` are from after it, for those before belong to an earlier one. */
  readonly mounted: LogMount | undefined;
  /** What speaks against it: the first few messages, the first that says that it was given up always among them. */
  readonly lines: readonly LogLine[];
}

export interface LogMount {
  /** Since boot; undefined where it came without a time. */
  readonly seconds: number | undefined;
  readonly reported: boolean;
}

/** A message of the kernel that speaks against a file system. */
export interface LogLine {
  /** Without control characters, at most 300 characters. */
  readonly text: string;
  /** Whether it says that the file system was given up; else it only reports an error. */
  readonly abort: boolean;
  /** Since boot; undefined where it came without a time. */
  readonly seconds?: number | undefined;
  /** Whether nothing shows that the kernel wrote it. */
  readonly reported: boolean;
}

/** One message, without the prefix of its line. */
export interface LogMessage {
  readonly text: string;
  /** Since boot. */
  readonly seconds?: number | undefined;
  /** Where it was read does not show that the kernel wrote it; see `Writer`. */
  readonly reported?: boolean;
}

/** Collects what messages say of disks, in bounded memory. */
export interface LogCollector {
  readonly add: (message: LogMessage) => void;
  readonly disks: ReadonlyMap<string, DiskLog>;
}

/** The disks are bounded, for their names come from messages. */
const MOST_DISKS = 4096;
const LONGEST_LINE = 300;

/**
 * By default it reads the marks of an abort or a mount alone, which load and run fast, and keeps the first abort: that
 * says when it began.
 * @param read what one message says
 * @param mostLines how many lines are kept of a disk
 */
export function logCollector(
  read: (text: string) => readonly LogMark[] = abortMarks,
  mostLines = 1,
): LogCollector {
  const disks = new Map<string, DiskLog>();
  return {
    disks,
    add: ({ text, seconds, reported = false }) => {
      for (const [device, kind] of gravest(read(text))) {
        const before = disks.get(device);
        if (before === undefined && disks.size >= MOST_DISKS) continue;
        if (kind === 'mounted') disks.set(device, mountedNow(before, { seconds, reported }));
        else {
          const line = { text: shown(text), abort: kind === 'abort', seconds, reported };
          disks.set(device, withLine(before ?? NOTHING, line, mostLines));
        }
      }
    },
  };
}

const NOTHING: DiskLog = { mounted: undefined, lines: [] };

/** A report ends no more than reports: what the kernel itself said stands. */
function mountedNow({ lines }: DiskLog = NOTHING, mounted: LogMount): DiskLog {
  return { mounted, lines: mounted.reported ? lines.filter(({ reported }) => !reported) : [] };
}

function withLine({ mounted, lines }: DiskLog, line: LogLine, most: number): DiskLog {
  if (lines.length < most) return { mounted, lines: [...lines, line] };
  const isFirstAbort = line.abort && !lines.some(({ abort }) => abort);
  return { mounted, lines: isFirstAbort ? [...lines.slice(1), line] : lines };
}

/** One message may name a disk more than once. */
function gravest(marks: readonly LogMark[]): ReadonlyMap<string, LogMark['kind']> {
  const found = new Map<string, LogMark['kind']>();
  for (const { device, kind } of marks) if (found.get(device) !== 'abort') found.set(device, kind);
  return found;
}

/** Without errors: the marks know only ext4's, and its counter says of them since when they count. */
function abortMarks(text: string): readonly LogMark[] {
  return logMarks(text).filter(({ kind }) => kind !== 'error');
}

function shown(text: string): string {
  return text.replace(/\p{Cc}/gu, '?').slice(0, LONGEST_LINE);
}
