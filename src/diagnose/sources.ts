import { LIMITS } from '../limits.ts';
import { compressionOf } from '../machine/compression.ts';
import { dmesgOf } from '../machine/dmesg.ts';
import { toolPath } from '../machine/folders.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { Argv, RunOptions } from '../machine/program.ts';

/** One file, stream or program's output with log lines. */
export interface LogPart {
  /** For messages: a path, or what it is. */
  readonly name: string;
  /** No line in it is later than this, in milliseconds since the epoch: gives the year where lines have none. */
  readonly until: number;
  /** Bytes on disk, where known. */
  readonly bytes?: number;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** Parts that follow each other in time: a log and its rotated files, the oldest first. */
export interface LogSource {
  readonly name: string;
  readonly parts: readonly LogPart[];
  /** The host of lines that name none. */
  readonly host?: string | undefined;
  /** When the kernel started whose seconds the lines have, in milliseconds since the epoch; undefined where not known. */
  readonly bootedAt?: number | undefined;
  /** Lines with the kernel's tag are the kernel's: whoever made this log checked it. In a file anybody may claim that. */
  readonly ofKernel?: true;
}

const MAGIC_BYTES = 6;

/** A log file, unpacked while it is read if it is packed. */
async function* unpacked(target: Target, path: string): AsyncGenerator<Uint8Array> {
  const head = await target.readRange(path, 0, MAGIC_BYTES);
  const tool = compressionOf(head)?.tool;
  if (tool === undefined) yield* target.readChunks(path, LIMITS.streamBytes);
  else yield* outputOf(target, tool, { stdinFile: path });
}

/** A program's output, as it prints it. Throws at the end if the program failed, or said that it hides something. */
async function* outputOf(
  target: Target,
  argv: Argv,
  options: Pick<RunOptions, 'sees' | 'stdinFile'> = {},
): AsyncGenerator<Uint8Array> {
  let taken = Promise.withResolvers<boolean>();
  let offered = Promise.withResolvers<Uint8Array | undefined>();
  const result = target
    .run(argv, {
      effect: 'read',
      ...options,
      onChunk: (chunk) => {
        offered.resolve(chunk);
        return taken.promise;
      },
    })
    .finally(() => offered.resolve(undefined));
  // It is awaited below, but not where the caller stops early.
  result.catch(() => {});
  try {
    for (;;) {
      const chunk = await offered.promise;
      if (chunk === undefined) break;
      yield chunk;
      const { resolve } = taken;
      taken = Promise.withResolvers<boolean>();
      offered = Promise.withResolvers<Uint8Array | undefined>();
      resolve(true);
    }
  } finally {
    taken.resolve(false);
  }
  const { status, stderr } = await result;
  if (status !== 0)
    throw new Error(`${argv[0]} ended with status ${status}: ${stderr.trim().split('\n')[0] ?? ''}`);
  if (HIDDEN.test(stderr)) throw new Error(HIDDEN_PROBLEM);
}

/** What journalctl says to users who see only entries of their own; it ends with status 0 then. */
const HIDDEN = /not seeing messages from other users|insufficient permissions/;
const HIDDEN_PROBLEM =
  'journalctl shows this user no entries of the kernel: run mptfix as root (sudo), or add the user to the group systemd-journal or adm';

/** Where syslog daemons put the kernel's messages. */
const LOG_FOLDER = '/var/log';
const LOG_NAMES = ['messages', 'syslog', 'kern.log'] as const;
/** `messages.1`, `messages.2.gz`, `messages-20240101.xz`, `syslog-20240101-1704067200.zst`. */
const ROTATED = /^(?<log>.{1,4096}?)(?:[.-](?<rotation>\d{1,12}(?:-\d{1,12})?))?(?:\.(?:gz|xz|bz2|zst))?$/s;
/** logrotate numbers what `dateext` does not date. */
const IS_DATE = /^\d{8,}/;

interface Rotated extends LogPart {
  readonly rotation: string | null;
}

/** The log files of the target with their rotated files: one source for each log that exists. */
export async function logFileSources(target: Target): Promise<readonly LogSource[]> {
  const names = await target.list(LOG_FOLDER).catch(() => []);
  const paths = names
    .filter((name) => LOG_NAMES.some((log) => partsOf(name)?.log === log))
    .map((name) => `${LOG_FOLDER}/${name}`);
  return fileSources(target, paths);
}

/** A source for each log among the files, its rotated files first. */
export async function fileSources(target: Target, paths: readonly string[]): Promise<readonly LogSource[]> {
  const logs = new Map<string, Rotated[]>();
  for (const path of paths) {
    const { log, rotation } = partsOf(path) ?? { log: path, rotation: null };
    const stat = await target.stat(path).catch(() => undefined);
    const until = stat === undefined ? Date.now() : Number(stat.mtime) * 1000;
    const open = () => unpacked(target, path);
    const part = { name: path, until, bytes: stat?.size ?? 0, open, rotation };
    logs.set(log, [...(logs.get(log) ?? []), part]);
  }
  return [...logs].map(([name, parts]) => ({ name, parts: parts.sort(oldestFirst) }));
}

function partsOf(path: string): { readonly log: string; readonly rotation: string | null } | undefined {
  const { log, rotation } = ROTATED.exec(path)?.groups ?? {};
  return log === undefined ? undefined : { log, rotation: rotation ?? null };
}

function oldestFirst(a: Rotated, b: Rotated): number {
  if (a.rotation === null || b.rotation === null)
    return (a.rotation === null ? 1 : 0) - (b.rotation === null ? 1 : 0);
  const dates = [IS_DATE.test(a.rotation), IS_DATE.test(b.rotation)];
  if (dates[0] !== dates[1]) return a.until - b.until;
  const order = a.rotation.localeCompare(b.rotation, 'en', { numeric: true });
  return dates[0] === true ? order : -order;
}

/** One read gives one record, and no record is larger (PRINTK_MESSAGE_MAX of 2 KB). */
const READ_KMSG: Argv = ['dd', 'if=/dev/kmsg', 'iflag=nonblock', 'bs=8192'];
const KMSG_IS_READ = 'Resource temporarily unavailable';

/**
 * The running kernel's own buffer: it still has what no log file could take once /var was read-only. /dev/kmsg exists
 * from 3.5 on; before that, dmesg asks the kernel.
 */
export async function kernelBufferSource(target: Target, now: number): Promise<LogSource> {
  const bootedAt = await bootTime(target, now);
  const host = (await target.readText('/proc/sys/kernel/hostname', LIMITS.kernelBytes))?.trim() ?? '';
  const open = async function* (): AsyncGenerator<Uint8Array> {
    // The buffer is small (at most some MB) and fits into memory; dd's last message shows whether it was read whole.
    const kmsg = await target.run(READ_KMSG, { effect: 'read', timeoutMs: 10_000 });
    if (kmsg.stderr.includes(KMSG_IS_READ) && kmsg.stdout.length > 0) yield kmsg.stdout;
    else yield* fromDmesg(target);
  };
  return {
    name: 'kernel buffer',
    parts: [{ name: 'the kernel’s buffer (/dev/kmsg, dmesg)', until: now, open }],
    host: host === '' ? undefined : host,
    bootedAt,
  };
}

async function* fromDmesg(target: Target): AsyncGenerator<Uint8Array> {
  const { isHere } = traitsOf(target);
  try {
    yield* outputOf(target, isHere ? ['dmesg'] : await dmesgOf(target));
  } catch (error) {
    if (!/not permitted|denied/.test(String(error))) throw error;
    const how = isHere ? 'run mptfix as root (sudo)' : 'give --host root@HOST';
    throw new Error(`this user may not read it (kernel.dmesg_restrict): ${how}`);
  }
}

async function bootTime(target: Target, now: number): Promise<number | undefined> {
  // By the guest's own clock, as its log files have it: that of this machine may be another.
  if (!traitsOf(target).isHere) {
    const seconds = (await readSystemTime(target)) ?? Number.NaN;
    return Number.isFinite(seconds) ? seconds * 1000 : undefined;
  }
  // Not btime of /proc/stat: that has whole seconds.
  const uptime = Number(
    (await target.readText('/proc/uptime', LIMITS.kernelBytes))?.split(' ')[0] ?? Number.NaN,
  );
  return Number.isFinite(uptime) ? now - uptime * 1000 : undefined;
}

/** When it booted, in seconds since the epoch. */
async function readSystemTime(target: Target): Promise<number | undefined> {
  const seconds = /^btime (\d{1,12})$/m.exec(
    (await target.readText('/proc/stat', LIMITS.kernelBytes)) ?? '',
  )?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

/** journald's entries of the kernel and of multipathd, of every boot; undefined where there is no journal to read. */
export async function journalSource(target: Target, now: number): Promise<LogSource | undefined> {
  if ((await target.findProgram('journalctl')) === undefined) return undefined;
  const where = await journalArguments(target);
  if (where === undefined) return undefined;
  const argv: Argv = [
    'journalctl',
    ...where,
    '--no-pager',
    // Not --quiet: that keeps back that entries are hidden from this user.
    '--all',
    // Seconds, but with the zone; the finer forms came later than RHEL 7.
    '--output=short-iso',
    '_TRANSPORT=kernel',
    '+',
    'SYSLOG_IDENTIFIER=multipathd',
  ];
  return {
    name: 'journald',
    // The tag of _TRANSPORT=kernel; what is multipathd's has its own.
    ofKernel: true,
    parts: [{ name: 'journald', until: now, open: () => outputOf(target, argv, { sees: 'guest' }) }],
  };
}

async function journalArguments(target: Target): Promise<readonly string[] | undefined> {
  if (traitsOf(target).isRunning) return [];
  const folder = '/var/log/journal';
  if ((await target.list(folder).catch(() => [])).length === 0) return undefined;
  return ['-D', await toolPath(target, folder)];
}
