import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { failure } from '../../errors.ts';
import { atDeath } from '../../interruption.ts';
import { typedShell } from '../../typed.ts';
import { findProgram, TOOL_PATH } from '../programs.ts';
import { requireTools, TOOLS } from '../tools.ts';
import type { Address } from './address.ts';
import { type Answer, answerReader } from './frames.ts';

/*
 * One connection to a guest. ssh's master is also the session in which a shell of the guest reads scripts from its
 * standard input, one after the other; so no script passes the login's own shell, whatever that is, and a script costs one
 * round trip. What needs a time limit of its own gets a session of its own over the master's control socket.
 */

export interface Connection {
  /** Has the guest's sh run a script, whose standard input is empty. Throws E_HOST_LOST. */
  ask(script: string, limits: Limits): Promise<Answer>;
  /** The same in a session of its own, which ends with the time limit and leaves the connection as it is. */
  askApart(script: string, limits: Limits): Promise<Answer>;
  close(): void;
}

export interface Limits {
  /** Bytes of output. What prints more is not read to its end: the answer is `tooMuch`. */
  readonly bytes: number;
  readonly timeoutMs: number;
}

/** Nothing of the login's environment decides how a tool of the guest prints. */
const PREAMBLE = `LC_ALL=C; TZ=UTC0; PATH=${TOOL_PATH}; export LC_ALL TZ PATH
unset LANG LANGUAGE LS_COLORS LS_OPTIONS QUOTING_STYLE TIME_STYLE LS_BLOCK_SIZE BLOCK_SIZE BLOCKSIZE POSIXLY_CORRECT ENV CDPATH IFS
umask 077
cd /
mptfix_time=
ls -ldn --full-time / >/dev/null 2>&1 && mptfix_time=--full-time
`;
/** The login's shell may be csh or fish: this is all that it reads. */
const REMOTE = 'exec /bin/sh';
/** Somebody may have to type a password, and to look for it first. */
const LOGIN_MS = 180_000;
/** ssh itself sees within these seconds that nobody answers: 3 times 10. */
const ALIVE = ['ServerAliveInterval=10', 'ServerAliveCountMax=3', 'ConnectTimeout=20'] as const;

type Session = ChildProcessByStdio<Writable, Readable, Readable>;

/** Logs in. Throws E_HOST with ssh's own words, E_TOOLS_MISSING without ssh. */
export async function connect(address: Address): Promise<Connection> {
  await requireTools({ findProgram }, [TOOLS.ssh]);
  const ssh = (await findProgram(TOOLS.ssh.name)) ?? TOOLS.ssh.name;
  // Only its owner may enter: whoever reaches the socket in it is logged in on the guest.
  const folder = mkdtempSync(join(tmpdir(), 'mptfix-ssh-'));
  const socket = join(folder, 's');
  const start = (own: readonly string[]): Session =>
    spawn(
      ssh,
      [...own.flatMap(asOption), ...COMMON, ...address.options.flatMap(asOption), '--', address.host, REMOTE],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
  const master = start(['ControlMaster=yes', `ControlPath=${socket}`, ...ALIVE]);
  const session = openSession(master, address.host);
  const end = (): void => {
    master.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  };
  const forget = atDeath(end);
  const close = (): void => {
    forget();
    session.end();
    end();
  };
  try {
    const hello = await session.ask(`${PREAMBLE}`, ':', { bytes: 1000, timeoutMs: LOGIN_MS });
    if (hello.status !== 0 || hello.tooMuch)
      throw notReached(address.host, 'its /bin/sh does not answer as one');
  } catch (error) {
    close();
    throw error;
  }
  return {
    ask: (script, limits) => session.ask('', script, limits),
    askApart: async (script, limits) => {
      // Where the master is gone this client would log in itself: it must not.
      const own = ['ControlMaster=no', `ControlPath=${socket}`, 'ProxyCommand=false'];
      const child = start(own);
      const apart = openSession(child, address.host);
      try {
        return await apart.ask(PREAMBLE, script, limits);
      } finally {
        apart.end();
        child.kill('SIGTERM');
      }
    },
    close,
  };
}

const asOption = (option: string): readonly string[] => ['-o', option];
/** Before the options that were given: of two values ssh takes the first. */
const COMMON = [
  '-T',
  ...['ControlPersist=no', 'RemoteCommand=none', 'RequestTTY=no', 'ForwardAgent=no', 'ForwardX11=no'].flatMap(
    asOption,
  ),
  ...[
    'ClearAllForwardings=yes',
    'PermitLocalCommand=no',
    'ForkAfterAuthentication=no',
    'StdinNull=no',
  ].flatMap(asOption),
  ...['SessionType=default', 'Tunnel=no'].flatMap(asOption),
];

function notReached(host: string, why: string): Error {
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
  end(): void;
}

interface Question {
  readonly reader: ReturnType<typeof answerReader>;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly limits: Limits;
}

/** Scripts in, answers out, in their order. */
function openSession(child: Session, host: string): OpenSession {
  const secret = randomBytes(16).toString('hex');
  const waiting: Question[] = [];
  let count = 0;
  let hasAnswered = false;
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
  return {
    ask: (before, script, limits) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        count += 1;
        const mark = `@${secret}:${count}:`;
        waiting.push({ reader: answerReader(mark, limits.bytes), resolve, reject, limits });
        child.stdin.write(`${before}${framed(mark, script)}`);
        if (waiting.length === 1) watch();
      }),
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
