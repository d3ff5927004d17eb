import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atDeath } from '../../interruption.ts';
import { findProgram, TOOL_PATH } from '../programs.ts';
import { requireTools, TOOLS } from '../tools.ts';
import type { Address } from './address.ts';
import type { Answer } from './frames.ts';
import { type Limits, notReached, openSession, type Session } from './session.ts';

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
  /**
   * Has a session of its own run one line, whose standard input is the content. The line says itself where its answer
   * begins and ends.
   */
  send(line: (mark: string) => string, content: Uint8Array, limits: Limits): Promise<Answer>;
  close(): void;
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
/** Somebody may have to type a password, and to look for it first. */
const LOGIN_MS = 180_000;
/** ssh itself sees within these seconds that nobody answers: 3 times 10. */
const ALIVE = ['ServerAliveInterval=10', 'ServerAliveCountMax=3', 'ConnectTimeout=20'] as const;

/** Logs in. Throws E_HOST with ssh's own words, E_TOOLS_MISSING without ssh. */
export async function connect(address: Address): Promise<Connection> {
  await requireTools({ findProgram }, [TOOLS.ssh]);
  const ssh = (await findProgram(TOOLS.ssh.name)) ?? TOOLS.ssh.name;
  // Only its owner may enter: whoever reaches the socket in it is logged in on the guest.
  const folder = mkdtempSync(join(tmpdir(), 'mptfix-ssh-'));
  const socket = join(folder, 's');
  const start = (own: readonly string[], remote = REMOTE): Session =>
    spawn(
      ssh,
      [...own.flatMap(asOption), ...COMMON, ...address.options.flatMap(asOption), '--', address.host, remote],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
  // Where the master is gone a further client would log in itself: it must not.
  const further = ['ControlMaster=no', `ControlPath=${socket}`, 'ProxyCommand=false'];
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
      const child = start(further);
      const apart = openSession(child, address.host, { isOpen: true });
      try {
        return await apart.ask(PREAMBLE, script, limits);
      } finally {
        apart.end();
        child.kill('SIGTERM');
      }
    },
    send: async (line, content, limits) => {
      const child = start(further, REMOTE_LINE);
      const apart = openSession(child, address.host, { isOpen: true });
      try {
        return await apart.give((mark) => [`${line(mark)}\n`, content], limits);
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
