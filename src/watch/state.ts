import { readdir, readFile } from 'node:fs/promises';
import { failure } from '../errors.ts';
import type { Remembered } from '../filesystems/observation.ts';
import { LIMITS } from '../limits.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { typedShell } from '../typed.ts';
import type { WatchedState } from './document.ts';
import { machineOf } from './machine-of.ts';

/** One stretch of time in which a file system could not be written. */
export interface WatchEvent {
  readonly mountPoint: string;
  readonly source: string;
  /** ISO 8601: when it began, as far as the evidence says; else when it was seen first. */
  readonly since: string;
  /** The states that a notice went out about, if only to the kernel's log. */
  readonly told: readonly WatchedState[];
  /** Those of them that a channel took which a person reads. */
  readonly reached?: readonly WatchedState[] | undefined;
  /** How many notices were sent, the first included. */
  readonly times: number;
  /** Which channel took it last; null: none. */
  readonly by: string | null;
  /** ISO 8601: no further notice before. */
  readonly next: string;
  /** By what it was sent: where that is another now, what nobody was told of is tried again at once. */
  readonly sentBy?: string | undefined;
}

/** A write probe that did not come back. */
export interface StuckProbe {
  readonly pid: number;
  /** When the process was started, so that another one with its number is not taken for it. */
  readonly start: string;
  readonly places: readonly string[];
}

/** What the watch keeps from run to run, in /run/mptfix. */
export interface WatchState {
  readonly schema: 'mptfix.watch-state/1';
  readonly bootId: string;
  /** By `fileSystemKey`. */
  readonly seen: Readonly<Record<string, Remembered>>;
  readonly events: Readonly<Record<string, WatchEvent>>;
  readonly stuck?: StuckProbe | undefined;
}

export function emptyState(bootId: string): WatchState {
  return { schema: 'mptfix.watch-state/1', bootId, seen: {}, events: {} };
}

/**
 * Reads the file's text. What is torn, of another version or of another boot is as good as nothing: the worst that
 * follows is one mail too many.
 */
function parseState(text: string, bootId: string): WatchState {
  try {
    const value: Partial<WatchState> = JSON.parse(text);
    const sound =
      value.schema === 'mptfix.watch-state/1' &&
      value.bootId === bootId &&
      isRecordOf(value.seen, isRemembered) &&
      isRecordOf(value.events, isEvent) &&
      (value.stuck === undefined || isStuck(value.stuck));
    return sound ? (value as WatchState) : emptyState(bootId);
  } catch {
    return emptyState(bootId);
  }
}

function isRecordOf(value: unknown, holds: (entry: Record<string, unknown>) => boolean): boolean {
  return isObject(value) && Object.values(value).every((entry) => isObject(entry) && holds(entry));
}

function isRemembered({ mounts, writable }: Record<string, unknown>): boolean {
  return Array.isArray(mounts) && typeof writable === 'boolean';
}

function isEvent(value: Record<string, unknown>): boolean {
  const texts = [value.mountPoint, value.source, value.since, value.next];
  return (
    texts.every((text) => typeof text === 'string') &&
    Array.isArray(value.told) &&
    typeof value.times === 'number' &&
    !Number.isNaN(Date.parse(String(value.next)))
  );
}

function isStuck(value: unknown): boolean {
  return isObject(value) && typeof value.pid === 'number' && Array.isArray(value.places);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** In memory, so that it can be written while the disks cannot, and is gone with the next boot. */
export const STATE_FOLDER = '/run/mptfix';
/** A state of a thousand file systems has 300 KB. */
const MOST_BYTES = 4 * 1024 * 1024;

interface Store {
  readonly machine: Target;
  readonly file: string;
  readonly lock: string;
}

/** What is kept about a tree is this machine's, too: it says who was notified of what. */
async function storeOf(target: Target): Promise<Store> {
  const name = traitsOf(target).isHere
    ? 'watch'
    : `watch-${(await import('../hash.ts')).sha256(target.name).slice(0, 16)}`;
  const path = `${STATE_FOLDER}/${name}`;
  return { machine: machineOf(target), file: `${path}.json`, lock: `${path}.lock` };
}

/**
 * What earlier runs of this boot have left; an empty one where there is none, or where it was torn. Throws
 * E_STATE_UNSAFE where the folder is not root's own: its content decides whether somebody is notified.
 */
export async function readState(target: Target): Promise<WatchState> {
  const { machine, file } = await storeOf(target);
  await refuseUnsafe(machine);
  const boot = ((await machine.readText('/proc/sys/kernel/random/boot_id', LIMITS.kernelBytes)) ?? '').trim();
  const status = await machine.lstat(file).catch(() => undefined);
  if (status?.type !== 'file' || status.size > MOST_BYTES) return emptyState(boot);
  return parseState((await machine.readText(file, LIMITS.stateBytes)) ?? '', boot);
}

export async function writeState(target: Target, state: WatchState): Promise<void> {
  const { machine, file } = await storeOf(target);
  await openFolder(machine);
  await machine.write(file, `${JSON.stringify(state)}\n`, { mode: 0o600 });
}

/**
 * Keeps two runs from sending the same notice. No program is started for it: that would be read from a disk which may
 * be dead. The holder is named by its process id and start time, so that one that was killed keeps nobody out.
 */
export async function lockState(target: Target): Promise<(() => Promise<void>) | undefined> {
  const { machine, lock } = await storeOf(target);
  await openFolder(machine);
  const own = `${process.pid} ${await startOf(process.pid)}\n`;
  for (let tries = 0; tries < 3; tries += 1) {
    if (await machine.create(lock, own)) return () => machine.remove(lock).catch(() => {});
    const [pid = '', start = ''] = ((await machine.readText(lock, LIMITS.stateBytes)) ?? '')
      .trim()
      .split(' ');
    if (/^\d{1,9}$/.test(pid) && (await isRunning({ pid: Number(pid), start }))) return undefined;
    await machine.remove(lock).catch(() => {});
  }
  return undefined;
}

/**
 * When a process of this machine was started (field 22 of proc_pid_stat(5)); undefined: there is none. One that was
 * killed while a thread of it waits for a disk is a zombie with that thread, and counts as there.
 */
export async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name in field 2 may hold blanks and parentheses.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields?.[0] !== 'Z') return fields?.[19];
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  return threads.length > 1 ? fields[19] : undefined;
}

export async function isRunning(one: { readonly pid: number; readonly start: string }): Promise<boolean> {
  return one.start !== '' && (await startOf(one.pid)) === one.start;
}

async function openFolder(machine: Target): Promise<void> {
  if ((await machine.stat('/run')) === undefined) await machine.mkdir('/run', 0o755);
  await machine.mkdir(STATE_FOLDER, 0o700);
  await refuseUnsafe(machine);
}

async function refuseUnsafe(machine: Target): Promise<void> {
  const status = await machine.lstat(STATE_FOLDER);
  if (status === undefined) return;
  const owner = process.geteuid?.() ?? 0;
  const isOwn = status.uid === 0 || status.uid === owner;
  if (status.type === 'directory' && isOwn && (status.mode & 0o022) === 0) return;
  throw failure(
    'E_STATE_UNSAFE',
    `${STATE_FOLDER} does not belong to root, or others can write to it`,
    `find out who made it, then remove it: ${typedShell(['rm', '-r', STATE_FOLDER])}`,
  );
}
