import type { Target } from '../machine/port.ts';
import type { FileSystem } from './file-systems.ts';
import { logLinesOf, type ParsedLog } from './log-lines.ts';
import type { Observation } from './observation.ts';
import { askStorage, readSuperblock, STORAGE_LIMIT_MS } from './storage.ts';

/**
 * Looks at one file system from all sides: mount table, disk, superblock, counters, kernel log. Reads only. A disk
 * that does not answer costs `STORAGE_LIMIT_MS`, and what would hang on it is not asked.
 */
export async function observe(
  target: Target,
  fileSystem: FileSystem,
  kernelLog: ParsedLog,
): Promise<Observation> {
  const mount =
    fileSystem.mounts.find(({ mountPoint }) => mountPoint === fileSystem.mountPoint) ?? fileSystem.mounts[0];
  const devicePath = await devicePathOf(target, fileSystem);
  const storage = await askStorage(target, devicePath);
  const answers = storage.answer === 'yes' || storage.answer === 'no-device';
  const superblock =
    storage.answer === 'yes' && devicePath !== undefined
      ? await readSuperblock(target, devicePath, fileSystem.fsType)
      : undefined;
  const errorsCount = await countErrors(target, fileSystem, superblock?.uuid);
  return {
    fileSystem,
    mount,
    ...(devicePath === undefined ? {} : { devicePath }),
    storage,
    ...(superblock === undefined ? {} : { superblock }),
    ...(errorsCount === undefined ? {} : { errorsCount }),
    logLines: fileSystem.name === null ? [] : logLinesOf(kernelLog, fileSystem.name),
    listing:
      answers || storage.answer === 'denied' ? await listFolder(target, fileSystem.mountPoint) : 'not-asked',
  };
}

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

async function countErrors(
  target: Pick<Target, 'readText' | 'list'>,
  { name, fsType }: FileSystem,
  uuid: string | undefined,
): Promise<number | undefined> {
  if (fsType === 'btrfs') return uuid === undefined ? undefined : countBtrfs(target, uuid);
  if (name === null) return undefined;
  const text = (await target.readText(`/sys/fs/ext4/${name}/errors_count`))?.trim() ?? '';
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** `write_errs 0` and so on for each device, from Linux 5.14 on. */
async function countBtrfs(
  target: Pick<Target, 'readText' | 'list'>,
  uuid: string,
): Promise<number | undefined> {
  const folder = `/sys/fs/btrfs/${uuid}/devinfo`;
  let sum: number | undefined;
  for (const device of await target.list(folder)) {
    const text = await target.readText(`${folder}/${device}/error_stats`);
    for (const [, count] of (text ?? '').matchAll(/^\w+_errs (\d{1,15})$/gm))
      sum = (sum ?? 0) + Number(count);
  }
  return sum;
}

async function listFolder(target: Pick<Target, 'run'>, mountPoint: string): Promise<Observation['listing']> {
  // Not hostPath: to look at the folder's own links would hang this process where the file system hangs.
  const { status, stderr } = await target.run(['ls', '-f', '--', `${mountPoint}/`], {
    effect: 'read',
    timeoutMs: STORAGE_LIMIT_MS,
  });
  if (status === 0) return 'ok';
  if (status > 128) return 'hang';
  return /Input\/output error|Stale|shut ?down/i.test(stderr) ? 'error' : 'ok';
}
