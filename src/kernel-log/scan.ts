import { SIGNATURES } from './signatures.ts';
import { squeeze, squeezedWords, wordSearch } from './words.ts';

/** sysklogd's line in place of repeated ones; it belongs to the line before it. */
const LAST_REPEATED = 'last message repeated ';

/** A longer record is cut: a kernel's message has 1 KB, a journal entry some. */
const MAX_RECORD = 64 * 1024;
const CAPACITY = 1024 * 1024;

const WORDS = wordSearch(squeezedWords([LAST_REPEATED, ...SIGNATURES.flatMap(({ needles }) => needles)]));

/** Takes a log's bytes as they come, and returns the few lines that may have a message of the table. */
export interface LineScanner {
  /** The bytes are not kept: the buffer may be used again. */
  write(chunk: Uint8Array): void;
  end(): void;
}

/**
 * Needs one buffer of 1 MiB, whatever the log holds; of a longer line the rest is ignored.
 * @param onLine called for each candidate, without its line break; `next`: it directly follows the candidate before it
 * @param record what ends a record: a line break, or, with `journalctl -o export`, an empty line
 */
export function lineScanner(
  onLine: (line: string, next: boolean) => void,
  record: '\n' | '\n\n' = '\n',
): LineScanner {
  const buffer = Buffer.allocUnsafe(CAPACITY);
  let held = 0;
  /** The bytes without white space, in which the words are looked for, and where each was. */
  let squeezed = Buffer.alloc(0);
  let places = new Uint32Array(0);
  /** The rest of a cut line is still to come. */
  let cut = false;
  /** Bytes of the log before the buffer's first, and where the last candidate's line break is. */
  let passed = 0;
  let lastEnd = Number.NaN;

  const scan = (bytes: Buffer): void => {
    if (squeezed.length < bytes.length) {
      squeezed = Buffer.allocUnsafe(bytes.length);
      places = new Uint32Array(bytes.length);
    }
    const searched = squeezed.subarray(0, squeeze(bytes, bytes.length, squeezed, places));
    for (let from = 0; ; ) {
      const hit = WORDS.first(searched, from);
      if (hit === -1) break;
      const at = places[hit] as number;
      const start = at === 0 ? 0 : bytes.lastIndexOf(record, at - 1) + 1;
      const found = bytes.indexOf(record, at);
      const end = found === -1 ? bytes.length : found;
      const text = bytes.toString('utf8', start, Math.min(end, start + MAX_RECORD));
      onLine(text.replace(/^[\r\n]+/, ''), passed + start === lastEnd + 1);
      lastEnd = passed + end;
      from = firstFrom(places, hit + 1, searched.length, end);
    }
  };

  const drop = (count: number): void => {
    buffer.copyWithin(0, count, held);
    held -= count;
    passed += count;
  };

  /** Scans the complete records in the buffer, and keeps the start of the next. */
  const drain = (): void => {
    if (cut) {
      const first = buffer.subarray(0, held).indexOf(record);
      cut = first === -1;
      drop(cut ? held : first);
    }
    const last = buffer.subarray(0, held).lastIndexOf(record);
    if (last !== -1) {
      scan(buffer.subarray(0, last + record.length));
      drop(last + record.length);
    } else if (held === CAPACITY) {
      scan(buffer);
      drop(held);
      cut = true;
    }
  };

  return {
    write: (chunk) => {
      for (let at = 0; at < chunk.length; ) {
        const part = chunk.subarray(at, at + CAPACITY - held);
        buffer.set(part, held);
        held += part.length;
        at += part.length;
        drain();
      }
    },
    end: () => {
      if (!cut) scan(buffer.subarray(0, held));
      held = 0;
    },
  };
}

/** The first of the ascending places, from `from` on, that is `at` or later. */
function firstFrom(places: Uint32Array, from: number, count: number, at: number): number {
  let low = from;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((places[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
