import { labLine } from '../machine/console.ts';
import { kernelSigns } from '../machine/kernel-signs.ts';
import type { TrialWrite } from './record.ts';

/** What was seen on a guest's console. Times are in seconds since the guest booted, by its own clock. */
export interface Observation {
  readonly kernel: string;
  readonly srcversion: string;
  readonly writes: readonly TrialWrite[];
  /** Kernel lines that report an I/O error. */
  readonly ioErrors: number;
  /** The kernel has aborted the journal, made the file system read-only, or shut it down. */
  readonly readOnly: boolean;
  /** The disk's line of /proc/mounts at the end. */
  readonly mountLine: string;
  /** Exit statuses of the watch in sh, by when it looked: `before`, `after`. */
  readonly watches: Readonly<Record<string, number>>;
  /** Files whose fsync had succeeded, and that the guest could not read afterwards, or read something else from. */
  readonly guestUnreadable: readonly number[];
  readonly guestDiffers: readonly number[];
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
    writes: [],
    ioErrors: 0,
    readOnly: false,
    mountLine: '',
    watches: {},
    guestUnreadable: [],
    guestDiffers: [],
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
      return { writes: [...seen.writes, writeOf(words)] };
    case 'mount':
      return { mountLine: words };
    case 'watch': {
      const [when = '', status = ''] = words.split(' ');
      return { watches: { ...seen.watches, [when]: Number(status) } };
    }
    case 'read': {
      const [number, what] = words.split(' ');
      return what === 'different'
        ? { guestDiffers: [...seen.guestDiffers, Number(number)] }
        : { guestUnreadable: [...seen.guestUnreadable, Number(number)] };
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

/** `7 1234 1240 ok`, `8 1340 1341 failed: words`: its number, and when it began and ended in hundredths of a second. */
function writeOf(words: string): TrialWrite {
  const [, number, began, ended, outcome = ''] = /^(\d+) (\d+) (\d+) (.*)$/.exec(words) ?? [];
  const at = Number(began) / 100;
  const ok = outcome === 'ok';
  return {
    number: Number(number),
    at,
    seconds: Number(ended) / 100 - at,
    ok,
    ...(ok ? {} : { said: outcome.replace(/^failed: /, '') }),
  };
}
