/** What a script of the guest printed, and how it ended. */
export interface Answer {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** It printed more than was asked for; then there is nothing of it here. */
  readonly tooMuch: boolean;
}

type Stream = 'stdout' | 'stderr';

/** More words than these are none that anybody reads. */
const STDERR_BYTES = 1024 * 1024;

/**
 * Finds an answer between its marks in what comes from a guest: `MARKb` and `MARKe STATUS`, each with a newline, on both
 * outputs. What stands before the first mark, such as the greeting of a login's start files, is dropped. The mark holds
 * 128 random bits, so nothing that a guest's file holds is taken for it.
 * @param sink takes what stands between the marks as it comes, however much that is; the answer then holds nothing of it
 */
export function answerReader(mark: string, limit: number, sink?: (content: Buffer) => void) {
  const streams = {
    stdout: streamReader(mark, limit, sink),
    stderr: streamReader(mark, STDERR_BYTES),
  };
  return {
    /** Takes what came; answers what of it belongs to the next answer. */
    take: (from: Stream, chunk: Buffer): Buffer | undefined => streams[from].take(chunk),
    /** Whether the guest's sh has begun with the script. */
    hasBegun: () => streams.stdout.hasBegun(),
    has: (from: Stream): boolean => streams[from].found() !== undefined,
    isTooMuch: (): boolean => streams.stdout.isTooMuch() || streams.stderr.isTooMuch(),
    answer: (): Answer | undefined => {
      const stdout = streams.stdout.found();
      const stderr = streams.stderr.found();
      if (stdout === undefined || stderr === undefined) return undefined;
      const { status, content } = stdout;
      return { status, stdout: content, stderr: stderr.content.toString('utf8'), tooMuch: false };
    },
  };
}

interface Found {
  readonly status: number;
  readonly content: Buffer;
}

function streamReader(mark: string, limit: number, sink?: (content: Buffer) => void) {
  const begin = Buffer.from(`${mark}b\n`);
  const end = Buffer.from(`${mark}e `);
  let hasBegun = false;
  let chunks: Buffer[] = [];
  let length = 0;
  let found: Found | undefined;
  /** Bytes at the end of `chunks` that were looked at, and may be the start of a mark. */
  const overlap = Math.max(begin.length, end.length) + 8;

  const take = (chunk: Buffer): Buffer | undefined => {
    // Looked for only in what is new, and in as much before it as a mark is long.
    chunks.push(Buffer.from(chunk));
    length += chunk.length;
    const from = Math.max(0, length - chunk.length - overlap);
    if (!hasBegun) {
      const all = Buffer.concat(chunks);
      const at = all.indexOf(begin);
      if (at === -1) {
        keep(all.subarray(Math.max(0, all.length - overlap)));
        return undefined;
      }
      hasBegun = true;
      keep(all.subarray(at + begin.length));
      return look(0);
    }
    return look(from);
  };
  const keep = (rest: Buffer): void => {
    chunks = [rest];
    length = rest.length;
  };
  const look = (from: number): Buffer | undefined => {
    const tail = tailFrom(chunks, length, from);
    const at = tail.indexOf(end);
    if (at === -1) {
      if (sink === undefined || length <= overlap) return undefined;
      const all = Buffer.concat(chunks);
      sink(all.subarray(0, all.length - overlap));
      keep(all.subarray(all.length - overlap));
      return undefined;
    }
    const line = tail.indexOf('\n', at);
    if (line === -1) return undefined;
    const content = Buffer.concat(chunks).subarray(0, from + at);
    const status = Number(tail.subarray(at + end.length, line).toString('latin1'));
    if (sink !== undefined && content.length > 0) sink(content);
    found = { status, content: sink === undefined ? content : Buffer.alloc(0) };
    chunks = [];
    return tail.subarray(line + 1);
  };
  return {
    take,
    hasBegun: () => hasBegun,
    found: () => found,
    isTooMuch: () =>
      found === undefined ? length > limit + overlap + end.length : found.content.length > limit,
  };
}

/** The bytes from a position on, without joining what lies before it. */
function tailFrom(chunks: readonly Buffer[], length: number, from: number): Buffer {
  const parts: Buffer[] = [];
  let start = length;
  for (let index = chunks.length - 1; index >= 0 && start > from; index -= 1) {
    const chunk = chunks[index] as Buffer;
    start -= chunk.length;
    parts.unshift(start < from ? chunk.subarray(from - start) : chunk);
  }
  return Buffer.concat(parts);
}
