import type { Target } from '../machine/port.ts';
import { filePart, type LogSource } from './source.ts';

/** Where syslog daemons put the kernel's messages. */
const LOG_FOLDER = '/var/log';
const LOG_NAMES = ['messages', 'syslog', 'kern.log'] as const;
/** `messages.1`, `messages.2.gz`, `messages-20240101.xz`, `syslog-20240101-1704067200.zst`. */
const ROTATED = /^(?<log>.{1,4096}?)(?:[.-](?<rotation>\d{1,12}(?:-\d{1,12})?))?(?:\.(?:gz|xz|bz2|zst))?$/s;
/** logrotate numbers what `dateext` does not date. */
const IS_DATE = /^\d{8,}/;

interface Rotated {
  readonly path: string;
  readonly rotation: string | null;
  /** Milliseconds since the epoch. */
  readonly mtime: number;
  readonly size: number;
}

/** The log files of the target with their rotated forerunners; one source a log, none for a log that is not there. */
export async function logFileSources(target: Target): Promise<readonly LogSource[]> {
  const names = await target.list(LOG_FOLDER).catch(() => []);
  const paths = names
    .filter((name) => LOG_NAMES.some((log) => partsOf(name)?.log === log))
    .map((name) => `${LOG_FOLDER}/${name}`);
  return fileSources(target, paths);
}

/** A source for each log of which files are given, its rotated forerunners before it. */
export async function fileSources(target: Target, paths: readonly string[]): Promise<readonly LogSource[]> {
  const logs = new Map<string, Rotated[]>();
  for (const path of paths) {
    const { log, rotation } = partsOf(path) ?? { log: path, rotation: null };
    const stat = await target.stat(path).catch(() => undefined);
    // A log folder may hold a FIFO (xconsole): reading it would wait for ever.
    if (stat !== undefined && stat.type !== 'file' && paths.length > 1) continue;
    const mtime = stat === undefined ? Date.now() : Number(stat.mtime) * 1000;
    logs.set(log, [...(logs.get(log) ?? []), { path, rotation, mtime, size: stat?.size ?? 0 }]);
  }
  return [...logs].map(([name, files]) => ({
    name,
    parts: files.sort(oldestFirst).map(({ path, mtime, size }) => filePart(target, path, mtime, size)),
  }));
}

function partsOf(path: string): { readonly log: string; readonly rotation: string | null } | undefined {
  const { log, rotation } = ROTATED.exec(path)?.groups ?? {};
  return log === undefined ? undefined : { log, rotation: rotation ?? null };
}

function oldestFirst(a: Rotated, b: Rotated): number {
  if (a.rotation === null || b.rotation === null)
    return (a.rotation === null ? 1 : 0) - (b.rotation === null ? 1 : 0);
  const dates = [IS_DATE.test(a.rotation), IS_DATE.test(b.rotation)];
  if (dates[0] !== dates[1]) return a.mtime - b.mtime;
  const order = a.rotation.localeCompare(b.rotation, 'en', { numeric: true });
  return dates[0] === true ? order : -order;
}
