import { type LogMark, logMarks } from '../kernel-log/marks.ts';

/** What the kernel's messages say of one disk's file system. */
export interface DiskLog {
  /** Whether a mount of it is in the log. `lines` are from after the last one: those before belong to an earlier mount. */
  readonly mounted: boolean;
  /** What speaks against it: the first few messages, the first that says that it was given up always among them. */
  readonly lines: readonly LogLine[];
}

/** A message of the kernel that speaks against a file system. */
export interface LogLine {
  /** Without control characters, at most 300 characters. */
  readonly text: string;
  /** Whether it says that the file system was given up; else it only reports an error. */
  readonly abort: boolean;
  /** Since boot; undefined where it came without a time. */
  readonly seconds?: number | undefined;
}

/** Collects what messages say of disks, in bounded memory. */
export interface LogCollector {
  readonly add: (message: { readonly text: string; readonly seconds?: number }) => void;
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
    add: ({ text, seconds }) => {
      for (const [device, kind] of gravest(read(text))) {
        const before = disks.get(device);
        if (before === undefined && disks.size >= MOST_DISKS) continue;
        if (kind === 'mounted') disks.set(device, { mounted: true, lines: [] });
        else {
          const line = { text: shown(text), abort: kind === 'abort', seconds };
          disks.set(device, withLine(before ?? NOTHING, line, mostLines));
        }
      }
    },
  };
}

const NOTHING: DiskLog = { mounted: false, lines: [] };

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
