import { labLine } from '../machine/console.ts';
import { kernelSigns } from '../machine/kernel-signs.ts';

/** What was seen on a guest's console. */
export interface Observation {
  readonly kernel: string;
  readonly srcversion: string;
  readonly written: number;
  readonly lost: number;
  /** Kernel lines that report an I/O error. */
  readonly ioErrors: number;
  /** The kernel has aborted the journal, or made the file system read-only. */
  readonly readOnly: boolean;
  /** The disk's line of /proc/mounts at the end. */
  readonly mountLine: string;
  /** Exit statuses of the watches, by when they looked: `before`, `after`, and with `sh-` that of the shell. */
  readonly watches: Readonly<Record<string, number>>;
  /** The guest finished its script. */
  readonly ended: boolean;
  /** What must not happen at all. */
  readonly failed: readonly string[];
}

export interface Observer {
  readonly line: (line: string) => void;
  readonly result: () => Observation;
}

/** Reads a console line by line. */
export function observe(): Observer {
  let seen: Observation = {
    kernel: '',
    srcversion: '',
    written: 0,
    lost: 0,
    ioErrors: 0,
    readOnly: false,
    mountLine: '',
    watches: {},
    ended: false,
    failed: [],
  };
  return {
    line: (line) => {
      seen = { ...seen, ...seenIn(line, seen) };
    },
    result: () => seen,
  };
}

function seenIn(line: string, seen: Observation): Partial<Observation> {
  const { key, words = '' } = labLine(line) ?? {};
  switch (key) {
    case 'kernel':
      return { kernel: words };
    case 'srcversion':
      return { srcversion: words };
    case 'write':
      return words.endsWith(' ok') ? { written: seen.written + 1 } : { lost: seen.lost + 1 };
    case 'mount':
      return { mountLine: words };
    case 'watch': {
      const [when = '', status = ''] = words.split(' ');
      return { watches: { ...seen.watches, [when]: Number(status) } };
    }
    case 'end':
      return { ended: true };
    case undefined:
      break;
    default:
      return { failed: [...seen.failed, line.trim()] };
  }
  const { ioError, readOnly } = kernelSigns(line);
  return {
    ...(ioError ? { ioErrors: seen.ioErrors + 1 } : {}),
    ...(readOnly ? { readOnly } : {}),
  };
}
