import { isAscii } from 'node:buffer';
import { carry } from './carry.ts';
import { decoder } from './encoding.ts';
import { foundInFront, LINE_REPAIRS, mendLines } from './mend.ts';
import { type Reshaper, reshaperOf } from './reshape.ts';
import { unwrapper } from './unwrap.ts';

/*
 * Before a log is read, what happened to it on its way is undone: a web page, a mail, a terminal and grep each leave their
 * own marks. What needs nothing passes as it is, byte for byte.
 */

/**
 * `encoding`: UTF-16 became UTF-8, or a byte order mark was removed. `wrapped`: lines of one message were joined. The
 * others: see `mend.ts`.
 */
export const REPAIR_KINDS = ['encoding', ...LINE_REPAIRS, 'wrapped'] as const;
export type RepairKind = (typeof REPAIR_KINDS)[number];

/** How many lines of a log were repaired in one way. */
export interface Repair {
  readonly kind: RepairKind;
  readonly lines: number;
}

/** One row a kind. */
export function sumOfRepairs(repairs: readonly Repair[]): readonly Repair[] {
  const counts = new Map<RepairKind, number>();
  for (const { kind, lines } of repairs) counts.set(kind, (counts.get(kind) ?? 0) + lines);
  return [...counts].map(([kind, lines]) => ({ kind, lines }));
}

/** Takes a log's bytes as they come, and gives them back repaired, in UTF-8 and in whole lines. */
export interface LogRepair {
  write(chunk: Uint8Array): Uint8Array;
  /** What is left. */
  end(): Uint8Array;
  /** What was repaired so far, and in how many lines. */
  repairs(): readonly Repair[];
}

/** A longer line is no text that somebody pasted: it passes as it is. */
const MAX_HELD = 64 * 1024;
/** So much of a log shows its form. */
const SAMPLE = 8 * 1024;
const NOTHING = new Uint8Array(0);
/** Records of `journalctl -o json` and `-o export`, and of docker: their text is escaped, and one of them is no line. */
const RECORDS = /^\s{0,8}(?:\{\s{0,8}"|__?[A-Z][A-Z_]{1,40}=)/;
const LINE_FEED = 0x0a;

/** Memory is bounded by a few lines. */
export function logRepair(): LogRepair {
  const counts = new Map<RepairKind, number>();
  const count = (kind: RepairKind, lines: number): void => {
    if (lines > 0) counts.set(kind, (counts.get(kind) ?? 0) + lines);
  };
  const decode = decoder(() => count('encoding', 1));
  const unwrap = unwrapper((lines) => count('wrapped', lines));
  const held = carry();
  let isRecords: boolean | undefined;
  let inFront: RegExp | undefined;
  let shape: ReturnType<typeof reshaperOf>;

  const lines = (bytes: Buffer, isEnd: boolean): Uint8Array => {
    const mended = inFront !== undefined || needsLook(bytes) ? mendLines(bytes, inFront, count) : bytes;
    return unwrap(mended, isEnd);
  };

  const take = (bytes: Buffer, isEnd: boolean): Uint8Array => {
    if (isRecords === undefined && bytes.length > 0) {
      const start = bytes.toString('utf8', 0, SAMPLE);
      shape = reshaperOf(start);
      isRecords = shape === undefined && RECORDS.test(start);
      inFront = isRecords ? undefined : foundInFront(bytes);
      if (shape !== undefined && shape.head !== '')
        return Buffer.concat([Buffer.from(shape.head), take(bytes, isEnd)]);
    }
    if (isRecords === true) return bytes;
    const whole = held.join(bytes);
    const lastBreak = whole.lastIndexOf(LINE_FEED) + 1;
    // A line that is too long to hold: what is there of it goes on, and the rest follows as it comes.
    const cut = isEnd || (lastBreak === 0 && whole.length > MAX_HELD) ? whole.length : lastBreak;
    held.keep(whole.subarray(cut));
    if (cut === 0 && !isEnd) return NOTHING;
    return shape === undefined
      ? lines(whole.subarray(0, cut), isEnd)
      : reshaped(shape, whole.subarray(0, cut), isEnd);
  };

  return {
    write: (chunk) => take(decode(chunk, false), false),
    end: () => take(decode(NOTHING, true), true),
    repairs: () => [...counts].map(([kind, lines]) => ({ kind, lines })),
  };
}

/** The lines of a log as its form is read. */
function reshaped(shape: Reshaper, bytes: Buffer, isEnd: boolean): Uint8Array {
  const lines = bytes.toString('utf8').replace(/\n$/, '').split('\n');
  const out = bytes.length === 0 ? [] : lines.map((line) => shape.line(line.replace(/\r$/, '')));
  if (isEnd) out.push(shape.end());
  const text = out.filter((line) => line !== undefined).join('\n');
  return text === '' ? NOTHING : Buffer.from(`${text}\n`);
}

/** Bytes of ASCII, one of which is in every text that `mend.ts` changes, where all of it is ASCII. */
const SIGNS = [
  '\u001b',
  '&',
  '\n>',
  '\n|',
  '\n >',
  '^[[',
  '#033[',
  '\\u00',
  '\\033[',
  '\\x1b[',
  '=3D',
  '</',
  '/>',
  '<br',
].map((sign) => Buffer.from(sign));

function needsLook(bytes: Buffer): boolean {
  if (bytes.length === 0) return false;
  if (!isAscii(bytes) || bytes[0] === 0x3e || bytes[0] === 0x7c) return true;
  return SIGNS.some((sign) => bytes.includes(sign));
}

/** A log's bytes, repaired. What comes before an error still comes. @param onEnd called once, also where there is one */
export async function* repairedLog(
  chunks: AsyncIterable<Uint8Array>,
  onEnd: (repairs: readonly Repair[]) => void,
): AsyncGenerator<Uint8Array> {
  const repair = logRepair();
  let failed: { readonly error: unknown } | undefined;
  try {
    for await (const chunk of chunks)
      for (let at = 0; at < chunk.length; at += MAX_HELD) {
        const bytes = repair.write(chunk.subarray(at, at + MAX_HELD));
        if (bytes.length > 0) yield bytes;
      }
  } catch (error) {
    failed = { error };
  }
  const rest = repair.end();
  onEnd(repair.repairs());
  if (rest.length > 0) yield rest;
  if (failed !== undefined) throw failed.error;
}
