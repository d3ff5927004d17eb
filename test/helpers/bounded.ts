import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Makes an input of a size, and returns what lets the parser at it. Runs in a process of its own. */
export type Hostile = (size: number) => (() => unknown) | Promise<() => unknown>;

/**
 * The path of a hostile file. A process of its own makes it: what that takes does not count as the parser's memory, and
 * does not lie ready for it either.
 */
export async function hostileFile(make: () => Buffer | Promise<Buffer>): Promise<string> {
  const path = join(process.env.MPTFIX_BOUNDS ?? '', 'file');
  if (!existsSync(path)) {
    writeFileSync(path, await make());
    process.exit(0);
  }
  return path;
}

/** How a parser fared with a hostile input. */
export interface Ran {
  /** `CODE: message` of a failure of ours, `crash: …` of any other error, else what the parser's caller returned. */
  readonly outcome: string;
  /** Bytes on top of what the input itself had taken. */
  readonly memory: number;
  /** How often a block of src/ was entered; 0 where not `counted`. What a regular expression does is not in it. */
  readonly steps: number;
}

const CHILD = fileURLToPath(new URL('bounded-child.ts', import.meta.url));
const MOST_MEMORY = 3 * 1024 ** 3;

/**
 * Runs a case of the table `HOSTILE` that a file exports, in a process that is killed where it takes too long (a minute
 * and a half: a hang, not a slow machine) or three GiB.
 */
export async function runBounded(
  cases: URL,
  name: string,
  size: number,
  options: BoundedOptions = {},
): Promise<Ran> {
  const folder = mkdtempSync('/var/tmp/mptfix-bounds-');
  try {
    if (options.file === true) await run({ cases, name, size, folder }, options).catch(() => undefined);
    return await run({ cases, name, size, folder }, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface BoundedOptions {
  /** Whether the case uses hostileFile. */
  readonly file?: boolean;
  readonly counted?: boolean;
  readonly seconds?: number;
}

interface Case {
  readonly cases: URL;
  readonly name: string;
  readonly size: number;
  readonly folder: string;
}

function run(
  { cases, name, size, folder }: Case,
  { counted = false, seconds = 90 }: BoundedOptions,
): Promise<Ran> {
  const child = fork(CHILD, [cases.href, name, String(size), counted ? 'counted' : ''], {
    execArgv: ['--experimental-strip-types', '--no-warnings', '--expose-gc', '--max-old-space-size=300'],
    env: { ...process.env, MPTFIX_BOUNDS: folder },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let ran: Ran | undefined;
    let why = '';
    let stderr = '';
    let late: NodeJS.Timeout | undefined;
    const end = (reason: string): void => {
      why = reason;
      child.kill('SIGKILL');
    };
    const memory = setInterval(() => {
      if (residentOf(child.pid) > MOST_MEMORY) end(`it took more than ${MOST_MEMORY} bytes`);
    }, 50);
    child.stderr?.on('data', (part: Buffer) => {
      stderr = (stderr + part.toString()).slice(0, 2000);
    });
    child.on('message', (message: Ran | { readonly ready: true }) => {
      if ('ready' in message)
        late = setTimeout(() => end(`it took more than ${seconds} seconds`), seconds * 1000);
      else ran = message;
    });
    child.on('close', (status, signal) => {
      clearInterval(memory);
      clearTimeout(late);
      if (ran === undefined) reject(new Error(`${name} ${size}: ${why || `${status ?? signal} ${stderr}`}`));
      else resolve(ran);
    });
  });
}

function residentOf(pid: number | undefined): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}
