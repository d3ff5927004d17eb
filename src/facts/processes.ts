import type { TargetReads } from '../target/port.ts';

/** What /proc tells of a machine's processes and of the locks that they hold. All of it may be gone a moment later. */
export type ProcReads = Pick<TargetReads, 'readText' | 'readLink' | 'list'>;

/** A write lock on a file, as fcntl(2) or flock(2) takes it. */
export interface FileLock {
  /** Undefined where the kernel does not tell: a lock of an open file, or a process of another namespace. */
  readonly pid: number | undefined;
  /** major:minor in hex, as /proc/locks has it: `fe:00`. */
  readonly device: string;
  readonly inode: string;
}

/** Of proc_pid_locks(5). A line with an arrow is one that waits. */
const LOCK = /^\d+: +[A-Z]+ +[A-Z]+ +WRITE +(-?\d+) +([0-9a-f]+:[0-9a-f]+):(\d+) /;

/** The write locks that are held now; empty where the machine does not show them. */
export async function locksOf(machine: ProcReads): Promise<readonly FileLock[]> {
  const text = (await machine.readText('/proc/locks')) ?? '';
  return text.split('\n').flatMap((line) => {
    const [, pid, device = '', inode = ''] = LOCK.exec(line) ?? [];
    if (pid === undefined) return [];
    return [{ pid: Number(pid) > 0 ? Number(pid) : undefined, device, inode }];
  });
}

/** The words of a command line, joined by blanks; empty for a kernel's thread and where there is no such process. */
export async function processCommand(machine: ProcReads, pid: number): Promise<string> {
  const text = (await machine.readText(`/proc/${pid}/cmdline`)) ?? '';
  return text.slice(0, 4096).replaceAll('\0', ' ').trim();
}

/** The folder that is the process's `/`. */
export async function processRoot(machine: ProcReads, pid: number): Promise<string | undefined> {
  return machine.readLink(`/proc/${pid}/root`);
}

/** Whether a process has the file open, as far as this user may see. */
export async function holdsFile(machine: ProcReads, pid: number, file: string): Promise<boolean> {
  try {
    for (const name of await machine.list(`/proc/${pid}/fd`)) {
      if ((await machine.readLink(`/proc/${pid}/fd/${name}`)) === file) return true;
    }
  } catch {
    // Not this user's process.
  }
  return false;
}
