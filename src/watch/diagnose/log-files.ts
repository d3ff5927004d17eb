import type { Target } from '../../target/port.ts';
import { filePart, type LogSource } from './source.ts';

/** Where syslog daemons put the kernel's messages. */
const LOG_FOLDER = '/var/log';
const LOG_NAMES = ['messages', 'syslog', 'kern.log'] as const;
/** `messages.1`, `messages.2.gz`, `messages-20240101.xz`, `syslog-20240101-1704067200.zst`. */
const ROTATED = /^[.-](?<rotation>\d{1,12}(?:-\d{1,12})?)(?:\.(?:gz|xz|bz2|zst))?$/;
/** logrotate numbers what `dateext` does not date. */
const IS_DATE = /^\d{8,}/;

interface Rotated {
  readonly path: string;
  readonly rotation: string | null;
  /** Milliseconds since the epoch. */
  readonly mtime: number;
}

/** The log files of the target with their rotated forerunners; one source a log, none for a log that is not there. */
export async function logFileSources(target: Target): Promise<readonly LogSource[]> {
  const names = await listed(target);
  const sources: LogSource[] = [];
  for (const name of LOG_NAMES) {
    const files = await Promise.all(names.flatMap((entry) => rotatedOf(target, name, entry)));
    const parts = files
      .filter((file) => file !== undefined)
      .sort(oldestFirst)
      .map(({ path, mtime }) => filePart(target, path, mtime));
    if (parts.length > 0) sources.push({ name: `${LOG_FOLDER}/${name}`, parts });
  }
  return sources;
}

async function listed(target: Target): Promise<readonly string[]> {
  try {
    return await target.list(LOG_FOLDER);
  } catch {
    return [];
  }
}

function rotatedOf(target: Target, log: string, entry: string): readonly Promise<Rotated | undefined>[] {
  if (!entry.startsWith(log)) return [];
  const rest = entry.slice(log.length);
  const rotation = ROTATED.exec(rest)?.groups?.rotation;
  if (rest !== '' && rotation === undefined) return [];
  return [describe(target, `${LOG_FOLDER}/${entry}`, rotation ?? null)];
}

async function describe(target: Target, path: string, rotation: string | null): Promise<Rotated | undefined> {
  const stat = await target.stat(path).catch(() => undefined);
  // A log may be a FIFO (xconsole): reading it would wait for ever.
  return stat?.type === 'file' ? { path, rotation, mtime: Number(stat.mtime) * 1000 } : undefined;
}

function oldestFirst(a: Rotated, b: Rotated): number {
  if (a.rotation === null || b.rotation === null)
    return (a.rotation === null ? 1 : 0) - (b.rotation === null ? 1 : 0);
  const dates = [IS_DATE.test(a.rotation), IS_DATE.test(b.rotation)];
  if (dates[0] !== dates[1]) return a.mtime - b.mtime;
  const order = a.rotation.localeCompare(b.rotation, 'en', { numeric: true });
  return dates[0] === true ? order : -order;
}
