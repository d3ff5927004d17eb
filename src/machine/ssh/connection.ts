import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failure } from '../../errors.ts';
import { atDeath } from '../../interruption.ts';
import { typedSame, typedShell } from '../../typed.ts';
import { findProgram, TOOL_PATH } from '../programs.ts';
import { requireTools, TOOLS } from '../tools.ts';
import type { Address } from './address.ts';
import type { Answer } from './frames.ts';
import { type Child, type Limits, openSession, type SessionErrors } from './session.ts';

/*
 * One connection to a guest. ssh's master is also the session in which a shell of the guest reads scripts from its
 * standard input, one after the other; so no script passes the login's own shell, whatever that is, and a script costs one
 * round trip, or none where it was asked for with others. What needs a time limit of its own gets a session of its own
 * over the master's control socket.
 */

export type { Limits } from './session.ts';

export interface Connection {
  /** Has the guest's sh run a script, whose standard input is empty. Throws E_HOST, E_HOST_LOST. */
  ask(script: string, limits: Limits): Promise<Answer>;
  /**
   * The same in a session of its own, which ends with the time limit (status 137) and leaves the connection as it is.
   * `onChunk` takes the output as it comes, and answers false when it has seen enough.
   */
  askApart(
    script: string,
    limits: Limits,
    onChunk?: (chunk: Buffer) => boolean | Promise<boolean>,
  ): Promise<Answer>;
  /**
   * Has a session of its own run one line, whose standard input is the content. The line says itself where its answer
   * begins and ends.
   */
  send(line: (mark: string) => string, content: Uint8Array, limits: Limits): Promise<Answer>;
  /** What it has cost so far. */
  figures(): ConnectionFigures;
  close(): void;
}

export interface ConnectionFigures {
  readonly questions: number;
  /** How often an answer was waited for, the login among them. */
  readonly trips: number;
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
/** `read` takes one line and not a byte of what follows: that is the line's own input. */
const REMOTE_LINE = `exec /bin/sh -c 'IFS= read -r line && eval "$line"'`;
/** Somebody may have to type a password, and to look for it first; where nobody can, ssh is told so. */
const LOGIN_MS = { typed: 180_000, alone: 60_000 } as const;
/** ssh itself sees within these seconds that nobody answers: 3 times 10. */
const ALIVE = ['ServerAliveInterval=10', 'ServerAliveCountMax=3', 'ConnectTimeout=20'] as const;

/** Logs in, and asks nothing yet. Throws E_TOOLS_MISSING without ssh; the first question throws E_HOST with ssh's own words. */
export async function connect(address: Address): Promise<Connection> {
  await requireTools({ findProgram }, [TOOLS.ssh]);
  const ssh = (await findProgram(TOOLS.ssh.name)) ?? TOOLS.ssh.name;
  // Only its owner may enter: whoever reaches the socket in it is logged in on the guest.
  const folder = mkdtempSync(join(tmpdir(), 'mptfix-ssh-'));
  const socket = join(folder, 's');
  const start = (own: readonly string[], remote = REMOTE): Child =>
    spawn(
      ssh,
      [
        ...wordsOf(own),
        ...COMMON,
        ...wordsOf([...address.options, ...asks(), ...ALIVE]),
        '--',
        address.host,
        remote,
      ],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
  // Where the master is gone a further client would log in itself: it must not.
  const further = ['ControlMaster=no', `ControlPath=${socket}`, 'ProxyCommand=false'];
  const master = start(['ControlMaster=yes', `ControlPath=${socket}`]);
  const errors = errorsOf(address);
  const session = openSession(master, errors);
  const counted = { questions: 0, tripsApart: 0 };
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
  const login = { bytes: 1000, timeoutMs: canType() ? LOGIN_MS.typed : LOGIN_MS.alone };
  const hello = session.ask('echo mptfix', login, { before: PREAMBLE }).then((answer) => {
    if (answer.status === 0 && answer.stdout.toString('latin1') === 'mptfix\n') return;
    close();
    throw errors.notReached('its /bin/sh does not answer as one');
  });
  // Whoever asks first is told.
  hello.catch(() => {});
  return {
    ask: async (script, limits) => {
      counted.questions += 1;
      const answer = session.ask(script, limits);
      answer.catch(() => {});
      await hello;
      return answer;
    },
    askApart: async (script, limits, onChunk) => {
      await hello;
      counted.questions += 1;
      counted.tripsApart += 1;
      const child = start(further);
      const apart = openSession(child, errors, { isOpen: true });
      try {
        return await apart.ask(script, limits, { before: PREAMBLE, onChunk, mayHang: true });
      } finally {
        apart.end();
        child.kill('SIGTERM');
      }
    },
    send: async (line, content, limits) => {
      await hello;
      const child = start(further, REMOTE_LINE);
      const apart = openSession(child, errors, { isOpen: true });
      try {
        return await apart.give((mark) => [`${line(mark)}\n`, content], limits);
      } finally {
        apart.end();
        child.kill('SIGTERM');
      }
    },
    figures: () => ({ questions: counted.questions, trips: session.trips() + counted.tripsApart }),
    close,
  };
}

const wordsOf = (options: readonly string[]): readonly string[] => options.flatMap((one) => ['-o', one]);

/** ssh asks for a password at the terminal, whatever its own input is. */
function canType(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** After the options that were given, which may say otherwise: ssh takes the first of two values. */
function asks(): readonly string[] {
  return canType() ? [] : ['BatchMode=yes'];
}

/** Before the options that were given. */
const COMMON = [
  '-T',
  ...wordsOf([
    ...['ControlPersist=no', 'RemoteCommand=none', 'RequestTTY=no', 'ForwardAgent=no', 'ForwardX11=no'],
    ...['ClearAllForwardings=yes', 'PermitLocalCommand=no', 'ForkAfterAuthentication=no', 'StdinNull=no'],
    ...['SessionType=default', 'Tunnel=no'],
  ]),
];

function errorsOf({ host, options }: Address): SessionErrors {
  const probe = (): string => typedShell(['ssh', ...wordsOf(options), '--', host, 'exec /bin/sh -c id']);
  return {
    notReached: (why) =>
      failure(
        'E_HOST',
        `${host} cannot be looked at by ssh: ${why}`,
        `${probe()} must work; an old guest may need --ssh-option, such as HostKeyAlgorithms=+ssh-rsa`,
      ),
    lost: (why) =>
      failure(
        'E_HOST_LOST',
        `the connection to ${host} ended before it had answered: ${why}`,
        `see whether ${probe()} answers; then the same command again: ${typedSame()}`,
      ),
  };
}
