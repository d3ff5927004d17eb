import { join } from 'node:path';
import { lineEvents } from '../kernel-log/events.ts';
import type { ParsedLine } from '../kernel-log/line.ts';
import { type LogMark, logMarks } from '../kernel-log/marks.ts';
import { parseLine } from '../kernel-log/prefix.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { errorCounters } from './counters.ts';
import { type DiskLog, logCollector } from './disk-log.ts';
import { type FileSystem, fileSystems } from './file-systems.ts';
import { readKernelLog, readKernelMessages } from './kernel-messages.ts';
import { type Observation, readSystemFacts } from './observation.ts';
import { askStorage, readSuperblock, STORAGE_LIMIT_MS, type StorageAnswer } from './storage.ts';

/**
 * Looks at the mounted file systems that `choose` picks, all at a time. Reads only.
 * @returns what was seen of each, and the kernel's log; undefined where this user may not read that
 */
export async function observeAll(
  target: Target,
  choose: (all: readonly FileSystem[]) => readonly FileSystem[],
): Promise<{ readonly seen: readonly Observation[]; readonly log: string | undefined }> {
  const chosen = choose(await fileSystems(target));
  const log = await readKernelLog(target);
  const disks = await readDiskLogs(target, log);
  return { seen: await Promise.all(chosen.map((one) => observe(target, one, disks))), log };
}

/**
 * Looks at one file system from all sides: mount table, disk, superblock, counters, kernel log. Reads only. A disk
 * that does not answer costs `STORAGE_LIMIT_MS`, and what would hang on it is not asked.
 * @param kernelLog what the kernel's log says, by the names of the disks
 */
export async function observe(
  target: Target,
  fileSystem: FileSystem,
  kernelLog: ReadonlyMap<string, DiskLog>,
): Promise<Observation> {
  const { name, mountPoint, mounts, fsType } = fileSystem;
  const devicePath = await devicePathOf(target, fileSystem);
  const storage = await askStorage(target, devicePath);
  const superblock =
    MAY_READ.includes(storage.answer) && devicePath !== undefined
      ? await readSuperblock(target, devicePath, fsType)
      : undefined;
  const mayList = [...MAY_READ, 'no-device', 'denied'].includes(storage.answer);
  return {
    fileSystem,
    mount: mounts.find((mount) => mount.mountPoint === mountPoint) ?? mounts[0],
    devicePath,
    storage,
    superblock,
    counters: await errorCounters(target, fileSystem, superblock?.uuid),
    log: name === null ? undefined : kernelLog.get(name),
    listing: mayList ? await listFolder(target, mountPoint) : undefined,
    system: await readSystemFacts(target),
  };
}

/** Each read has a time limit of its own: a disk that could not be asked first may be tried. */
const MAY_READ: readonly StorageAnswer['answer'][] = ['yes', 'not-asked'];

/** What was given to mount(8) where it is that very disk, else the node by the kernel's name. */
async function devicePathOf(
  target: Pick<Target, 'stat'>,
  { name, source, device }: FileSystem,
): Promise<string | undefined> {
  const given = source.startsWith('/dev/') ? await nodeAt(target, source) : undefined;
  // Of btrfs and old kernels the number is not the disk's: there only the name is known.
  if (given !== undefined && (name === null || given.rdev === device)) return source;
  const named = name === null ? undefined : `/dev/${name.replaceAll('!', '/')}`;
  if (named !== undefined && (await nodeAt(target, named)) !== undefined) return named;
  return given === undefined ? undefined : source;
}

async function nodeAt(target: Pick<Target, 'stat'>, path: string) {
  return target.stat(path).catch(() => undefined);
}

async function listFolder(
  target: Pick<Target, 'run' | 'toolRoot'>,
  mountPoint: string,
): Promise<Observation['listing']> {
  // Not hostPath: to look at the folder's own links would hang this process where the file system hangs.
  const list = (how: string) =>
    target.run(['ls', how, '--', `${join(target.toolRoot, mountPoint)}/`], {
      effect: 'read',
      sees: 'guest',
      timeoutMs: STORAGE_LIMIT_MS,
    });
  let { status, stderr } = await list('-f');
  // That of busybox has no -f.
  if (/(?:invalid|unrecognized|illegal) option/i.test(stderr)) ({ status, stderr } = await list('-a'));
  if (status === 0) return 'ok';
  if (status > 128) return 'hang';
  return /Input\/output error|Stale|shut ?down/i.test(stderr) ? 'error' : 'ok';
}

const MOST_LINES = 5;

/**
 * What the kernel's messages say of each disk's file system: its own records, or where they cannot be read (before 3.5, in
 * a container) what dmesg printed. A message that names no disk (`ext3_abort called.`) never stands alone.
 */
export async function readDiskLogs(
  target: Target,
  dmesg: string | undefined,
): Promise<ReadonlyMap<string, DiskLog>> {
  const { add, disks } = logCollector(allMarks, MOST_LINES);
  const problem = traitsOf(target).isHere ? await readKernelMessages(target, add) : 'not this machine';
  return problem === undefined ? disks : parseKernelLog(dmesg ?? '');
}

/** The same of a text, which does not show who wrote it. */
export function parseKernelLog(log: string): ReadonlyMap<string, DiskLog> {
  const { add, disks } = logCollector(allMarks, MOST_LINES);
  for (const line of log.split('\n')) {
    const { prefix, text } = parseLine(line);
    if (prefix.writer !== 'another') add({ text, seconds: prefix.kernelSeconds, reported: true });
  }
  return disks;
}

function allMarks(message: string): readonly LogMark[] {
  const events = lineEvents(message, asMessage).flatMap(({ effect, fields }): readonly LogMark[] =>
    effect === undefined || fields.device === undefined
      ? []
      : [{ kind: effect === 'error' ? 'error' : 'abort', device: fields.device }],
  );
  return [...logMarks(message), ...events];
}

const asMessage = (text: string): ParsedLine => ({ prefix: { writer: 'kernel' }, text });
