import type { ChildProcessByStdio } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { type Answer, answerReader } from './frames.ts';

/** An ssh whose other end is the guest's sh. */
export type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export interface Limits {
  /** Bytes of output. What prints more is not read to its end: the answer is `tooMuch`. */
  readonly bytes: number;
  /** So long nothing may come. A program in a session of its own: so long it may take, from its first word on. */
  readonly timeoutMs: number;
  /** What is asked for, for the words of an error: a path. */
  readonly about?: string | undefined;
}

export interface SessionErrors {
  /** Nothing was answered yet. */
  readonly notReached: (why: string) => Error;
  readonly lost: (why: string) => Error;
}

export interface Session {
  /** Sends a script at once, also where an earlier one is not answered yet: what is known beforehand costs one round trip. */
  ask(script: string, limits: Limits, more?: AskMore): Promise<Answer>;
  /** Writes the parts, and then nothing more; a script among them says itself where its answer begins and ends. */
  give(parts: (mark: string) => readonly (string | Uint8Array)[], limits: Limits): Promise<Answer>;
  end(): void;
  /** How often an answer had to be waited for before something could be asked. */
  trips(): number;
}

interface AskMore {
  /** What the same sh reads before the script: it sets what all scripts need. */
  readonly before?: string;
  /** Takes the output as it comes; false: enough. Of a session with this one script. */
  readonly onChunk?: ((chunk: Buffer) => boolean | Promise<boolean>) | undefined;
  /** Answers status 137 where a script that has begun does not end in time, and ends the session. */
  readonly mayHang?: boolean;
}

/** So long a further session may take to open, on a guest that is busy. */
const BEGIN_MS = 60_000;
/** How a program ends that takes too long, as a shell tells SIGKILL. */
const KILLED = 137;

interface Question {
  readonly reader: ReturnType<typeof answerReader>;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly limits: Limits;
  readonly more: AskMore;
  readonly chunks: Buffer[];
  /** Its place in the longest row of questions of which each needed the answer of the one before. */
  readonly trip: number;
  endsAt: number | undefined;
}

/** Scripts in, answers out, in their order. `isOpen`: somebody has logged in there already. */
export function openSession(child: Child, errors: SessionErrors, { isOpen = false } = {}): Session {
  const secret = randomBytes(16).toString('hex');
  const waiting: Question[] = [];
  let count = 0;
  let trips = 0;
  let ended: Error | undefined;
  let words = '';
  let timer: NodeJS.Timeout | undefined;
  let isPumping = false;

  const stop = (error: Error): void => {
    ended ??= error;
    clearTimeout(timer);
    for (const one of waiting.splice(0)) one.reject(ended);
    child.kill('SIGTERM');
  };
  const problem = (why: string): Error => (isOpen || trips > 0 ? errors.lost(why) : errors.notReached(why));
  const answered = (question: Question, answer: Partial<Answer>): void => {
    waiting.splice(waiting.indexOf(question), 1);
    question.resolve({ status: 0, stdout: Buffer.alloc(0), stderr: '', tooMuch: false, ...answer });
  };

  const watch = (): void => {
    clearTimeout(timer);
    const [first] = waiting;
    if (first === undefined || isPumping) return;
    timer = setTimeout(() => late(first), timeLeft(first));
  };
  const timeLeft = (question: Question): number => {
    const { limits, more, reader } = question;
    if (more.mayHang !== true) return limits.timeoutMs;
    if (!reader.hasBegun()) return Math.max(limits.timeoutMs, BEGIN_MS);
    question.endsAt ??= Date.now() + limits.timeoutMs;
    return Math.max(1, question.endsAt - Date.now());
  };
  const late = (question: Question): void => {
    const { limits, more, reader } = question;
    const why = `nothing came for ${limits.timeoutMs / 1000} s`;
    if (more.mayHang === true && reader.hasBegun())
      answered(question, { status: KILLED, stderr: `no answer within ${limits.timeoutMs / 1000} s` });
    stop(problem(limits.about === undefined ? why : `${why} of ${limits.about}`));
  };

  const take = (from: 'stdout' | 'stderr', chunk: Buffer): void => {
    if (from === 'stderr') words = (words + chunk.toString('latin1')).slice(-4000);
    let rest: Buffer | undefined = chunk;
    while (rest !== undefined && rest.length > 0) {
      const question = waiting.find(({ reader }) => !reader.has(from));
      if (question === undefined) return;
      rest = question.reader.take(from, rest);
      if (question.reader.isTooMuch()) {
        // The rest of its output would have to be read to reach the next answer: the session ends instead.
        answered(question, { tooMuch: true });
        stop(errors.lost('it sent more than was asked for'));
        return;
      }
      if (question.chunks.length > 0) return void pump(question);
      settle();
    }
    watch();
  };
  /** Hands the output on as fast as it is taken; what comes meanwhile waits on the guest. */
  const pump = async (question: Question): Promise<void> => {
    if (isPumping) return;
    isPumping = true;
    clearTimeout(timer);
    child.stdout.pause();
    try {
      for (let chunk = question.chunks.shift(); chunk !== undefined; chunk = question.chunks.shift()) {
        if ((await question.more.onChunk?.(chunk)) !== false) continue;
        answered(question, {});
        return stop(errors.lost('enough was read'));
      }
    } catch (error) {
      return stop(error instanceof Error ? error : new Error(String(error)));
    } finally {
      isPumping = false;
    }
    child.stdout.resume();
    settle();
    watch();
  };
  const settle = (): void => {
    for (let first = waiting[0]; first !== undefined && !isPumping; first = waiting[0]) {
      const answer = first.reader.answer();
      if (answer === undefined) return;
      trips = Math.max(trips, first.trip);
      words = '';
      answered(first, answer);
    }
  };
  child.stdout.on('data', (chunk: Buffer) => take('stdout', chunk));
  child.stderr.on('data', (chunk: Buffer) => take('stderr', chunk));
  child.stdin.on('error', () => {});
  child.on('error', (error) => stop(problem(error.message)));
  child.on('close', () => stop(problem(lastWords(words))));
  const put = (write: (mark: string) => void, limits: Limits, more: AskMore): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended);
      count += 1;
      const mark = `@${secret}:${count}:`;
      const chunks: Buffer[] = [];
      // A piece may be a part of what was read into one buffer.
      const sink = more.onChunk === undefined ? undefined : (piece: Buffer) => chunks.push(piece);
      const reader = answerReader(mark, limits.bytes, sink);
      const question = { reader, resolve, reject, limits, more, chunks, trip: trips + 1 };
      waiting.push({ ...question, endsAt: undefined });
      write(mark);
      if (waiting.length === 1) watch();
    });
  return {
    ask: (script, limits, more = {}) =>
      put((mark) => child.stdin.write(`${more.before ?? ''}${framed(mark, script)}`), limits, more),
    give: (parts, limits) =>
      put(
        (mark) => {
          for (const part of parts(mark)) child.stdin.write(part);
          child.stdin.end();
        },
        limits,
        {},
      ),
    end: () => {
      stop(errors.lost('it was closed'));
      child.stdin.destroy();
    },
    trips: () => trips,
  };
}

/** What the guest's sh reads: the script between two marks on both of its outputs, the last with the exit status. */
function framed(mark: string, script: string): string {
  return `echo ${mark}b; echo ${mark}b >&2
(
${script}
) </dev/null; echo "${mark}e $?"; echo "${mark}e 0" >&2
`;
}

function lastWords(text: string): string {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('@'));
  return lines.slice(-2).join('; ') || 'ssh ended without a word';
}
