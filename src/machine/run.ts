import type { ChildProcess } from 'node:child_process';
import { constants, createReadStream, type ReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { constants as osConstants } from 'node:os';
import { resolve } from 'node:path';
import { execa } from 'execa';
import { atDeath } from '../interruption.ts';
import { defined } from '../optional.ts';
import { isContained, withoutSandbox } from './contained.ts';
import { closedDescriptors } from './inherited.ts';
import { leashed, leashFor } from './leash.ts';
import type { Argv, RunOptions, RunResult, Sandbox } from './program.ts';
import { withProgramTree } from './program-tree.ts';
import { ENVIRONMENT, findProgram } from './programs.ts';
import { sandboxed } from './sandbox.ts';
import { passChunks, passInput, passLines } from './streams.ts';

/** A program that prints more than this is out of control. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
/** From SIGTERM to SIGKILL: a signal to mptfix itself ends it within two seconds, and its children before. */
const FORCE_KILL_MS = 800;

/**
 * Runs a program by its argument vector, in a process group of its own, with an environment of PATH, LC_ALL and what is
 * given. Resolves when the program has ended; what it started ends with it, unless that has a session of its own and
 * the program only reads, is another user's, or this process is not root. With `timeoutMs` it resolves at the latest
 * some seconds after that, with status 137: a process that waits in the kernel for a disk cannot be killed, and is left
 * alone.
 * Never rejects because a program fails.
 * A program that writes dies with this process, even by SIGKILL.
 */
export async function runProgram(argv: Argv, options: RunOptions): Promise<RunResult> {
  if (options.signal?.aborted === true) return notStarted(143, 'not started');
  if (options.sandbox !== undefined && isContained()) {
    const { sandbox, ...plain } = options;
    const { argv: words, ...places } = withoutSandbox(argv, options, sandbox);
    return runProgram(words, { ...plain, ...defined(places) });
  }
  if (options.sandbox !== undefined) return runSandboxed(argv, options, options.sandbox);
  if (options.effect === 'read' || options.mayOutlive === true) return runPlainly(argv, options);
  if (!(await canStart(argv[0], options.cwd))) return notStarted(127, `spawn ${argv[0]} ENOENT or EACCES`);
  return runPlainly(leashed(await leashFor(options.user !== undefined, ENVIRONMENT), argv), options);
}

/** What is in a sandbox is another user and in another folder than the sandbox itself. */
async function runSandboxed(
  argv: Argv,
  { user, cwd, ...options }: RunOptions,
  sandbox: Sandbox,
): Promise<RunResult> {
  const inside = { sandbox, ...defined({ user, cwd }) };
  if (sandbox.programs !== undefined)
    return withProgramTree(argv, { ...inside, programs: sandbox.programs }, (wrapped) =>
      runPlainly(wrapped, { ...options, cwd: '/', dies: 'at once' }),
    );
  return runPlainly(await sandboxed(argv, inside), { ...options, cwd: '/', dies: 'at once' });
}

function notStarted(status: number, why: string): RunResult {
  return { status, stdout: Buffer.alloc(0), stderr: why };
}

/** Checked first: the shell on the leash would report it in its own words, with a status of its own. */
async function canStart(file: string, cwd: string | undefined): Promise<boolean> {
  if (!file.includes('/')) return (await findProgram(file)) !== undefined;
  return access(resolve(cwd ?? '.', file), constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** How a program is ended by a signal to this process. */
interface Death {
  /**
   * `asked first`: by SIGTERM, and later by SIGKILL. `at once`: what bubblewrap holds. It has nothing to clear away, and the
   * first process of a PID namespace ignores SIGTERM: where bubblewrap died of it before that process had asked to die with
   * its parent, it would live on. SIGKILL ends the whole group. Bubblewrap gets no `--new-session`, which would take that
   * process out of the group first; the group has a session of its own, without a terminal, anyway.
   */
  readonly dies?: 'asked first' | 'at once';
}

/** Runs a program that has its own leash or needs none. */
export async function runPlainly(argv: Argv, options: RunOptions & Death): Promise<RunResult> {
  const [file, ...args] = argv;
  // A stream that cannot be opened would look like an empty one.
  if (options.stdinFile !== undefined) await access(options.stdinFile, constants.R_OK);
  const { stdin, input } = standardInput(options);
  const child = execa(file, args, {
    env: { ...ENVIRONMENT, ...options.env },
    extendEnv: false,
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    killDescendants: true,
    killSignal: options.dies === 'at once' ? 'SIGKILL' : 'SIGTERM',
    forceKillAfterDelay: FORCE_KILL_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
    buffer: { stdout: options.onChunk === undefined, stderr: true },
    stdio: [stdin, 'pipe', 'pipe', ...closedDescriptors()],
    ...defined({ input, cwd: options.cwd, timeout: options.timeoutMs, cancelSignal: options.signal }),
    ...options.user,
  });
  if (options.inputComes !== undefined) passInput(options.inputComes, child.nodeChildProcess.stdin);
  if (options.onLine !== undefined) passLines(child, options.onLine);
  const forget = atDeath(() => {
    if (options.mayOutlive !== true) endGroup(child.nodeChildProcess.pid);
  });
  const ended = (async () => {
    const enough = options.onChunk === undefined ? false : await passChunks(child, options.onChunk);
    return { enough, result: await child };
  })();
  const { enough, result } = await withinTime(ended, child.nodeChildProcess, options.timeoutMs).finally(
    () => {
      forget();
      if (options.mayOutlive !== true) endGroup(child.nodeChildProcess.pid);
    },
  );
  return {
    status: enough ? 0 : statusOf(result),
    stdout: Buffer.from((result.stdout as Uint8Array | undefined) ?? new Uint8Array()),
    stderr: textOf(result),
  };
}

/** Ends processes that closed their outputs and so were not awaited; they are in the program's group unless they left it. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is empty.
  }
}

type Outcome = { readonly enough: boolean; readonly result: Ended & { readonly stdout?: unknown } };

/** Abandons a child that no signal ends: neither it nor its pipes may keep this process alive. */
async function withinTime(
  ended: Promise<Outcome>,
  child: Pick<ChildProcess, 'unref' | 'stdin' | 'stdout' | 'stderr'>,
  timeoutMs: number | undefined,
): Promise<Outcome> {
  if (timeoutMs === undefined) return ended;
  let timer: NodeJS.Timeout | undefined;
  const givenUp = new Promise<Outcome>((resolve) => {
    timer = setTimeout(
      () => {
        child.unref();
        for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
        resolve({ enough: false, result: { signal: 'SIGKILL', originalMessage: 'it cannot be ended' } });
      },
      timeoutMs + FORCE_KILL_MS + 1000,
    );
  });
  try {
    return await Promise.race([ended, givenUp]);
  } finally {
    clearTimeout(timer);
  }
}

interface StandardInput {
  readonly stdin: 'ignore' | 'pipe' | { file: string };
  readonly input?: Uint8Array | ReadStream;
}

/** This process opens a file itself: it may read more than the program's own user. */
function standardInput(options: RunOptions): StandardInput {
  if (options.stdinFile !== undefined) {
    return options.stdinOffset === undefined || options.stdinOffset === 0
      ? { stdin: { file: options.stdinFile } }
      : { stdin: 'pipe', input: createReadStream(options.stdinFile, { start: options.stdinOffset }) };
  }
  if (options.inputComes !== undefined) return { stdin: 'pipe' };
  const { input } = options;
  if (input === undefined) return { stdin: 'ignore' };
  return { stdin: 'pipe', input: typeof input === 'string' ? Buffer.from(input) : input };
}

interface Ended {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly stderr?: unknown;
  readonly originalMessage?: string | undefined;
}

function statusOf(result: Ended): number {
  if (result.exitCode !== undefined) return result.exitCode;
  const signals: Readonly<Record<string, number>> = osConstants.signals;
  return result.signal === undefined ? 127 : 128 + (signals[result.signal] ?? 0);
}

function textOf(result: Ended): string {
  const text = result.stderr instanceof Uint8Array ? Buffer.from(result.stderr).toString('utf8') : '';
  return text === '' && result.exitCode === undefined ? (result.originalMessage ?? '') : text;
}
