import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { atDeath } from '../../interruption.ts';
import { packageRoot } from '../../package-root.ts';

export interface Worker {
  readonly pid: number | undefined;
  /** Resolves when it has ended, or when its time is over, whatever the worker does; never rejects. */
  readonly done: Promise<{ readonly output: string; readonly ended: boolean; readonly status: number }>;
}

interface WorkerOptions {
  /** After the worker's name. */
  readonly words?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const MOST_OUTPUT = 1024 * 1024;

/**
 * Runs a part of the watch that may hang on a disk in a process of its own, which this one never waits for beyond the
 * time limit: it is killed then, and left behind where it does not die. What it needs comes on its standard input.
 */
export function startWorker(
  name: 'probe' | 'sendmail',
  input: string | Buffer,
  seconds: number,
  { words = [], env = {} }: WorkerOptions = {},
): Worker {
  const child = spawn(
    process.execPath,
    [join(packageRoot(), 'bin', 'mptfix.cjs'), 'watch', 'worker', name, ...words],
    {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', ...loader(), ...env },
    },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(0, MOST_OUTPUT);
  });
  // A worker that ends before it has read everything shows it by its status.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const done = new Promise<{ output: string; ended: boolean; status: number }>((resolve) => {
    const forget = atDeath(() => killGroup(child.pid));
    const settle = (ended: boolean, status: number): void => {
      forget();
      clearTimeout(timer);
      resolve({ output, ended, status });
    };
    const timer = setTimeout(() => {
      killGroup(child.pid);
      for (const stream of [child.stdin, child.stdout]) stream.destroy();
      child.unref();
      settle(false, 143);
    }, seconds * 1000);
    child.on('error', () => settle(true, 127));
    child.on('close', (status) => settle(true, status ?? 128));
  });
  return { pid: child.pid, done };
}

/** The copy in memory, where it is that which runs, finds its libraries by this; nothing of the caller's is passed on. */
function loader(): Readonly<Record<string, string>> {
  const folder = dirname(process.execPath);
  return folder === '/run/mptfix/memory' ? { LD_LIBRARY_PATH: join(folder, 'lib') } : {};
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
