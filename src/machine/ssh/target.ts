import { atEnd } from '../../at-end.ts';
import { failure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { shQuote, shQuoteAll } from '../../sh-quote.ts';
import type { Target, TargetWrites } from '../port.ts';
import type { Argv, RunOptions, RunResult } from '../program.ts';
import { TOOL_PATH } from '../programs.ts';
import type { TargetOptions } from '../tree.ts';
import { type Address, hostAddress } from './address.ts';
import { type Connection, type ConnectionFigures, connect } from './connection.ts';
import { type Memory, memoryOf } from './memory.ts';
import { type HostReads, hostReads } from './reads.ts';
import { firstProgram } from './scripts.ts';
import { runSent } from './sent.ts';

interface Host {
  readonly connection: () => Promise<Connection>;
  readonly memory: Memory;
  /** Whoever asks afterwards logs in again. */
  close(): Promise<void>;
}

/** One for each guest, whoever looks at it in this run. */
const hosts = new Map<string, Host>();

/** Ends all connections; the guests' shells end with them. */
export async function closeHosts(): Promise<void> {
  for (const host of hosts.values()) await host.close();
}

/** A guest that only ssh reaches. */
export interface HostTarget extends Target {
  /**
   * Writes: copies a file of sh into a private folder of the guest and runs it there with these words. It runs to its end
   * whatever becomes of the connection, and the folder goes with it. Throws E_HOST_LOST where the end was not seen,
   * E_NO_SPACE or E_READ_ONLY where the file could not be put there, and E_DRY_RUN.
   */
  runSent(file: Uint8Array, words: readonly string[]): Promise<RunResult>;
}

/**
 * A guest that only ssh reaches (`--host`). Everything is read there, by its own sh: no path and no fact is this machine's.
 * Logs in when something is first asked. What is written is written there, by the file that `runSent` takes along.
 * Throws E_USAGE for a name that is not handed to ssh.
 */
export function hostTarget(host: string, options: readonly string[], { dryRun }: TargetOptions): HostTarget {
  const address = hostAddress(host, options);
  const { connection, memory } = hostOf(address);
  const reads = hostReads(memory);
  const find = async (name: string): Promise<string | undefined> => {
    const paths = name.includes('/') ? [name] : TOOL_PATH.split(':').map((folder) => `${folder}/${name}`);
    const script = firstProgram(paths);
    const { status, stdout } = await memory.recall(script, script, { bytes: 5000, timeoutMs: 60_000 });
    return status === 0 ? stdout.toString('utf8') : undefined;
  };
  return {
    kind: 'host',
    name: host,
    dryRun,
    ...reads,
    requireUnused: async () => {},
    toolRoot: '/',
    run: async (argv, how) => {
      if (how.effect === 'write' || how.inside !== undefined)
        throw notWritten(`run ${argv[0]}`, host, dryRun);
      return isFilter(how) ? filterHere(reads, argv, how) : runThere(await connection(), argv, how);
    },
    runSent: async (file, words) => {
      if (dryRun) throw notWritten('run a file', host, dryRun);
      memory.forget();
      return runSent(await connection(), host, file, words).finally(memory.forget);
    },
    findProgram: find,
    findInside: find,
    lock: () => Promise.reject(notWritten('take its lock', host, dryRun)),
    openStream: (path) =>
      Promise.reject(
        failure(
          'E_FILE_UNSAFE',
          `${path} of ${host} is not opened over ssh`,
          'run mptfix on the guest itself',
        ),
      ),
    ...refusedWrites(host, dryRun),
  };
}

function hostOf(address: Address): Host {
  const key = JSON.stringify([address.host, address.options]);
  const known = hosts.get(key);
  if (known !== undefined) return known;
  let made: Promise<Connection> | undefined;
  const connection = (): Promise<Connection> => {
    if (made !== undefined) return made;
    atEnd(closeHosts);
    made = connect(address);
    return made;
  };
  const memory = memoryOf(connection);
  const close = async (): Promise<void> => {
    const open = made;
    made = undefined;
    memory.forget();
    await open?.then(
      (one) => one.close(),
      () => {},
    );
  };
  const host = { connection, memory, close };
  hosts.set(key, host);
  return host;
}

/** What looking at a host has cost so far; undefined where nothing was asked. */
export async function hostFigures(
  host: string,
  options: readonly string[],
): Promise<ConnectionFigures | undefined> {
  const known = hosts.get(JSON.stringify([host, options]));
  return known?.memory.hasAsked() === true ? (await known.connection()).figures() : undefined;
}

/** Bytes in, bytes out: what unpacks a file needs nothing of the guest, which may lack it. */
function isFilter({ input, stdinFile, sees }: RunOptions): boolean {
  return sees === undefined && (input !== undefined || stdinFile !== undefined);
}

async function filterHere(
  reads: HostReads,
  argv: Argv,
  { stdinFile, stdinOffset = 0, ...options }: RunOptions,
): Promise<RunResult> {
  const { runProgram } = await import('../run.ts');
  if (stdinFile === undefined) return runProgram(argv, options);
  const parts: Buffer[] = [];
  for await (const piece of reads.readChunks(stdinFile, LIMITS.imageBytes, stdinOffset)) parts.push(piece);
  return runProgram(argv, { ...options, input: Buffer.concat(parts) });
}

/** As long as a program may take where nobody set a limit. */
const PROGRAM_MS = 120_000;
const PROGRAM_BYTES = 64 * 1024 * 1024;

/** The guest's own program, as the login's user. */
async function runThere(connection: Connection, argv: Argv, options: RunOptions): Promise<RunResult> {
  const { env = {}, cwd = '/', timeoutMs = PROGRAM_MS, onChunk, onLine } = options;
  const settings = Object.entries(env).map(([name, value]) => `${name}=${shQuote(value)}; export ${name}`);
  const script = [`cd ${shQuote(cwd)} || exit 127`, ...settings, `exec ${shQuoteAll(argv)}`].join('\n');
  const limits = { bytes: PROGRAM_BYTES, timeoutMs, about: argv[0] };
  const { status, stdout, stderr, tooMuch } = await connection.askApart(script, limits, onChunk);
  if (tooMuch)
    throw failure(
      'E_FILE_UNSAFE',
      `${argv[0]} of the guest prints more than ${PROGRAM_BYTES / 1024 / 1024} MB`,
      'run mptfix on the guest itself',
    );
  for (const line of `${stdout.toString('utf8')}${stderr}`.split('\n')) onLine?.(line);
  return { status, stdout, stderr };
}

function notWritten(what: string, host: string, dryRun: boolean): Error {
  if (dryRun) {
    return failure(
      'E_DRY_RUN',
      `a dry run tried to ${what}`,
      'please report this bug in mptfix; nothing was written',
    );
  }
  return failure(
    'E_USAGE',
    `over ssh mptfix only reads as yet; it was to ${what} on ${host}`,
    'run mptfix on the guest itself, or on its mounted disk with --root',
  );
}

const WRITES = [
  ...['write', 'copy', 'copyAttributes', 'append', 'emit', 'create', 'mkdir', 'link', 'hardLink', 'rename'],
  ...['sync', 'remove', 'removeTree', 'setMtime'],
] as const satisfies readonly string[];

function refusedWrites(host: string, dryRun: boolean): TargetWrites {
  const refuse = (name: string) => (path: string) =>
    Promise.reject(notWritten(`${name} ${path}`, host, dryRun));
  return Object.fromEntries(WRITES.map((name) => [name, refuse(name)])) as unknown as TargetWrites;
}
