import { basename } from 'node:path/posix';
import { LIMITS } from '../limits.ts';
import { toolPath } from '../machine/folders.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { Argv } from '../machine/program.ts';
import { majorMinor } from '../machine/reads.ts';
import { defined } from '../optional.ts';
import { cleanText } from './clean-text.ts';

/** A package manager that may be changing the guest right now. */
export interface PackageManagerAtWork {
  readonly manager: string;
  /** The lock or pid file that says so. */
  readonly path: string;
  /** Undefined where the kernel does not show it, as for a process in another pid namespace. */
  readonly pid?: number;
  /** Its command line, printable and short. */
  readonly command?: string;
}

type GuestReads = Pick<Target, 'kind' | 'readText' | 'stat' | 'hostPath' | 'toolRoot' | 'run'>;

interface LockFile {
  readonly manager: string;
  /** Locked with fcntl(2) while something is changed. A program that only reads takes no write lock. */
  readonly path: string;
}

/**
 * Sources: dpkg's lib/dpkg/dbmodify.c and apt's apt-pkg/deb/debsystem.cc; rpm's macro %_rpmlock_path (RHEL 4:
 * /var/lock/rpm/transaction, RHEL 5: __db.000, .rpm.lock since 4.6); dnf5's libdnf5. Without apt's lock of its lists: an
 * update of the lists changes no kernel.
 */
const LOCK_FILES: readonly LockFile[] = [
  { manager: 'dpkg', path: '/var/lib/dpkg/lock' },
  { manager: 'dpkg', path: '/var/lib/dpkg/lock-frontend' },
  { manager: 'apt', path: '/var/cache/apt/archives/lock' },
  { manager: 'rpm', path: '/var/lib/rpm/.rpm.lock' },
  { manager: 'rpm', path: '/usr/lib/sysimage/rpm/.rpm.lock' },
  { manager: 'rpm', path: '/var/lib/rpm/__db.000' },
  { manager: 'rpm', path: '/var/lock/rpm/transaction' },
  { manager: 'dnf', path: '/run/dnf/rpmtransaction.lock' },
];

interface PidFile {
  readonly manager: string;
  /** It remains when the process is killed. */
  readonly path: string;
  /** The program's name: the process id may belong to another program by now. */
  readonly program: RegExp;
}

/** Sources: yum's `lockfile`, dnf's lock.py, libzypp's ZYppFactory. All three also work for PackageKit. */
const PID_FILES: readonly PidFile[] = [
  { manager: 'yum', path: '/var/run/yum.pid', program: /yum|packagekit/i },
  { manager: 'dnf', path: '/var/lib/dnf/rpmdb_lock.pid', program: /dnf|packagekit/i },
  { manager: 'dnf', path: '/var/cache/dnf/download_lock.pid', program: /dnf|packagekit/i },
  { manager: 'zypp', path: '/var/run/zypp.pid', program: /zypp|packagekit|yast|y2base/i },
];

const INTERPRETERS = /^(?:platform-)?(?:python|perl|ruby|sh|bash|dash)[\d.]*$/;

/**
 * Which package managers are at work on the guest; empty where none is. Reads only, and tries no lock: a lock taken to
 * see whether it is free can make the real package manager fail.
 *
 * `machine`: for a guest's tree the machine that has it, else the guest itself.
 */
export async function packageManagersAtWork(
  guest: GuestReads,
  machine: ProcReads,
): Promise<readonly PackageManagerAtWork[]> {
  const held = await locksOf(machine);
  const found: PackageManagerAtWork[] = [];
  for (const { manager, path } of LOCK_FILES) {
    const lock = await holderOf(guest, machine, path, held);
    if (lock !== undefined) found.push({ manager, path, ...(await processOf(machine, lock.pid)) });
  }
  for (const { manager, path, program } of PID_FILES) {
    const pid = await livePid(guest, machine, path, program);
    if (pid !== undefined) found.push({ manager, path, ...(await processOf(machine, pid)) });
  }
  return found;
}

/** What is known of a process. */
async function processOf(
  machine: ProcReads,
  pid: number | undefined,
): Promise<Pick<PackageManagerAtWork, 'pid' | 'command'>> {
  if (pid === undefined) return {};
  const command = cleanText(await processCommand(machine, pid)) || undefined;
  return { pid, ...defined({ command }) };
}

/**
 * By inode, then by device. btrfs and overlayfs give stat(2) another device than the one in /proc/locks: there the
 * process's open files decide.
 */
async function holderOf(
  guest: GuestReads,
  machine: ProcReads,
  path: string,
  held: readonly FileLock[],
): Promise<FileLock | undefined> {
  if (held.length === 0) return undefined;
  if ((await guest.stat(path).catch(() => undefined)) === undefined) return undefined;
  const file = await guest.hostPath(path);
  // A guest of 2003 has no stat(1): there the inode and the processes decide.
  const hasStat = traitsOf(guest).hasOurTools;
  const argv: Argv = hasStat
    ? ['stat', '-c', '%D %i', '--', await toolPath(guest, path)]
    : ['ls', '-id', file];
  const result = await guest.run(argv, { effect: 'read', sees: 'guest' });
  const words = result.stdout.toString('utf8').trim().split(' ');
  const [device = '', inode = ''] = hasStat ? words : ['', words[0]];
  const same = held.filter((lock) => lock.inode === inode);
  const exact = same.find((lock) => device !== '' && lock.device === deviceNumber(device));
  if (exact !== undefined) return exact;
  for (const lock of same) {
    if (lock.pid !== undefined && (await holdsFile(machine, lock.pid, file))) return lock;
  }
  return undefined;
}

/** The C library's dev_t in hex, as /proc/locks writes the kernel's: `fe:00`. */
function deviceNumber(hex: string): string {
  return majorMinor(BigInt(/^[0-9a-f]{1,16}$/.test(hex) ? `0x${hex}` : 0))
    .map((number) => number.toString(16).padStart(2, '0'))
    .join(':');
}

/** The process of a pid file, if it runs, is that program, and works on this guest. */
async function livePid(
  guest: GuestReads,
  machine: ProcReads,
  path: string,
  program: RegExp,
): Promise<number | undefined> {
  const pid = /^\s*(\d{1,10})\s*$/.exec((await guest.readText(path, LIMITS.textBytes)) ?? '')?.[1];
  if (pid === undefined) return undefined;
  const line = await processCommand(machine, Number(pid));
  if (!program.test(programOf(line))) return undefined;
  if (traitsOf(guest).isRunning) return Number(pid);
  // The number in a tree's file may be from when the tree was a running machine.
  const root = await guest.hostPath('/');
  const works = (await machine.readLink(`/proc/${pid}/root`)) === root || line.includes(root);
  return works ? Number(pid) : undefined;
}

/** The program's name, or its script's where the program is an interpreter. */
function programOf(line: string): string {
  const [first = '', ...rest] = line.split(' ');
  if (!INTERPRETERS.test(basename(first))) return basename(first);
  return basename(rest.find((word) => !word.startsWith('-')) ?? '');
}

/** The reads of /proc for a machine's processes and their locks. What it shows may be gone a moment later. */
type ProcReads = Pick<Target, 'readText' | 'readLink' | 'list'>;

/** A write lock on a file, as fcntl(2) or flock(2) takes it. */
interface FileLock {
  /** Undefined where the kernel does not show it: a lock of an open file, or a process of another namespace. */
  readonly pid: number | undefined;
  /** major:minor in hex, as /proc/locks has it: `fe:00`. */
  readonly device: string;
  readonly inode: string;
}

/** Of proc_pid_locks(5). A line with an arrow is one that waits. */
const LOCK = /^\d+: +[A-Z]+ +[A-Z]+ +WRITE +(-?\d+) +([0-9a-f]+:[0-9a-f]+):(\d+) /;

/** The write locks that are held now; empty where the machine does not show them. */
async function locksOf(machine: ProcReads): Promise<readonly FileLock[]> {
  const text = (await machine.readText('/proc/locks', LIMITS.kernelBytes)) ?? '';
  return text.split('\n').flatMap((line) => {
    const [, pid, device = '', inode = ''] = LOCK.exec(line) ?? [];
    if (pid === undefined) return [];
    return [{ pid: Number(pid) > 0 ? Number(pid) : undefined, device, inode }];
  });
}

/** The words of a command line, joined by blanks; empty for a kernel's thread and where there is no such process. */
async function processCommand(machine: ProcReads, pid: number): Promise<string> {
  const text = (await machine.readText(`/proc/${pid}/cmdline`, LIMITS.kernelBytes)) ?? '';
  return text.slice(0, 4096).replaceAll('\0', ' ').trim();
}

/** Whether a process has the file open, as far as this user may see. */
async function holdsFile(machine: ProcReads, pid: number, file: string): Promise<boolean> {
  try {
    for (const name of await machine.list(`/proc/${pid}/fd`)) {
      if ((await machine.readLink(`/proc/${pid}/fd/${name}`)) === file) return true;
    }
  } catch {
    // Not this user's process.
  }
  return false;
}
