import type { ChildProcessByStdio } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { failure } from '../../errors.ts';
import { typedShell } from '../../typed.ts';
import { type Answer, answerReader } from './frames.ts';

/* What is said with one ssh that runs a shell of the guest: its standard input, and both of its outputs. */

export type Session = ChildProcessByStdio<Writable, Readable, Readable>;

export interface Limits {
  /** Bytes of output. What prints more is not read to its end: the answer is `tooMuch`. */
  readonly bytes: number;
  readonly timeoutMs: number;
}

export function notReached(host: string, why: string): Error {
  return failure(
    'E_HOST',
    `${host} cannot be looked at by ssh: ${why}`,
    `${typedShell(['ssh', '--', host, 'exec /bin/sh -c id'])} must work; an old guest may need --ssh-option, such as HostKeyAlgorithms=+ssh-rsa`,
  );
}

function lost(host: string, why: string): Error {
  return failure(
    'E_HOST_LOST',
    `the connection to ${host} ended before it had answered: ${why}`,
    'nothing was written to it: run the same command again when the guest answers',
  );
}

interface OpenSession {
  ask(before: string, script: string, limits: Limits): Promise<Answer>;
  /** Writes the parts, and then nothing more. */
  give(parts: (mark: string) => readonly (string | Uint8Array)[], limits: Limits): Promise<Answer>;
  end(): void;
}

interface Question {
  readonly reader: ReturnType<typeof answerReader>;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly limits: Limits;
}

/** Scripts in, answers out, in their order. `isOpen`: somebody has logged in there already. */
export function openSession(child: Session, host: string, { isOpen = false } = {}): OpenSession {
  const secret = randomBytes(16).toString('hex');
  const waiting: Question[] = [];
  let count = 0;
  let hasAnswered = isOpen;
  let ended: Error | undefined;
  let words = '';
  let timer: NodeJS.Timeout | undefined;
  const stop = (error: Error): void => {
    ended ??= error;
    clearTimeout(timer);
    for (const one of waiting.splice(0)) one.reject(ended);
    child.kill('SIGTERM');
  };
  const problem = (why: string): Error => (hasAnswered ? lost(host, why) : notReached(host, why));
  const watch = (): void => {
    clearTimeout(timer);
    const [first] = waiting;
    if (first === undefined) return;
    const { timeoutMs } = first.limits;
    timer = setTimeout(() => stop(problem(`nothing came for ${timeoutMs / 1000} s`)), timeoutMs);
  };
  const take = (from: 'stdout' | 'stderr', chunk: Buffer): void => {
    if (from === 'stderr') words = (words + chunk.toString('latin1')).slice(-4000);
    let rest: Buffer | undefined = chunk;
    while (rest !== undefined && rest.length > 0) {
      const question = waiting.find(({ reader }) => !reader.has(from));
      if (question === undefined) return;
      rest = question.reader.take(from, rest);
      if (question.reader.isTooMuch()) {
        tooMuch(question);
        return;
      }
      settle();
    }
    watch();
  };
  const settle = (): void => {
    while (waiting[0]?.reader.answer() !== undefined) {
      const question = waiting.shift() as Question;
      hasAnswered = true;
      words = '';
      question.resolve(question.reader.answer() as Answer);
    }
  };
  /** The rest of its output would have to be read to reach the next answer: the session ends instead. */
  const tooMuch = (question: Question): void => {
    waiting.splice(waiting.indexOf(question), 1);
    question.resolve({ status: 0, stdout: Buffer.alloc(0), stderr: '', tooMuch: true });
    stop(lost(host, 'it sent more than was asked for'));
  };
  child.stdout.on('data', (chunk: Buffer) => take('stdout', chunk));
  child.stderr.on('data', (chunk: Buffer) => take('stderr', chunk));
  child.stdin.on('error', () => {});
  child.on('error', (error) => stop(problem(error.message)));
  child.on('close', () => stop(problem(lastWords(words))));
  const put = (write: (mark: string) => void, limits: Limits): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended);
      count += 1;
      const mark = `@${secret}:${count}:`;
      waiting.push({ reader: answerReader(mark, limits.bytes), resolve, reject, limits });
      write(mark);
      if (waiting.length === 1) watch();
    });
  return {
    ask: (before, script, limits) =>
      put((mark) => child.stdin.write(`${before}${framed(mark, script)}`), limits),
    give: (parts, limits) =>
      put((mark) => {
        for (const part of parts(mark)) child.stdin.write(part);
        child.stdin.end();
      }, limits),
    end: () => {
      stop(lost(host, 'it was closed'));
      child.stdin.destroy();
    },
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
