import { join } from 'node:path';
import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Target } from '../machine/port.ts';
import { defined } from '../optional.ts';
import { type Cache, noCache } from '../work/cache.ts';
import { takeTree } from '../work/take-tree.ts';
import type { Workspace } from '../work/workspace.ts';
import { type Archive, openArchive, truncated, type UnpackOptions } from './archive.ts';
import { driverEnd } from './driver-end.ts';
import { type DriverFiles, requireDriver } from './driver-files.ts';
import { readArchive } from './read-archive.ts';
import { tarCollector } from './tar-collector.ts';
import { unpackDriverFromBlocks } from './xz/unpack-blocks.ts';

/** A smaller archive is read from its start to its end in a moment. */
const SMALL_BYTES = 16 * 1024 * 1024;

/**
 * Reads only the driver's folder and the top Makefile from a tarball, into memory: no name in the archive decides where
 * a file is written. A single entry that leads out of the archive makes all of it refused (E_ARCHIVE_UNSAFE), and so does
 * a second driver (E_DRIVER_NOT_IN_SOURCE): it is read to its end, or shown by its blocks to be one tree.
 */
export async function unpackDriver(
  machine: Target,
  path: string,
  options: UnpackOptions,
): Promise<DriverFiles> {
  const archive = await openArchive(machine, path);
  if (archive.compression?.name === 'xz' && archive.size > SMALL_BYTES) {
    const found = await unpackDriverFromBlocks(machine, path, options);
    if (found !== undefined) return requireDriver(found, path);
  }

  const newReader = () => tarCollector(path, { driverEnd: driverEnd() });
  return requireDriver(await readArchive(machine, archive, options, newReader), path);
}

/** Raise it when the same archive would give different files. */
const FORMAT = 3;

/** What the cache has of an archive, by the hash of its content. */
export interface CachedSource {
  readonly known: DriverFiles | undefined;
  /** Unpacks the driver, and keeps it. */
  unpack(): Promise<DriverFiles>;
}

/** Looks an archive up; nothing is unpacked yet. */
export async function lookUpSource(
  machine: Target,
  path: string,
  options: UnpackOptions,
  cache: Cache,
): Promise<CachedSource> {
  const unpack = (): Promise<DriverFiles> => unpackDriver(machine, path, options);
  if (cache === noCache) return { known: undefined, unpack };
  const hash = await machine.hash(path, LIMITS.archiveBytes);
  const key = `source ${FORMAT} ${hash}`;
  const known = await cache.get(key);
  return {
    known: known === undefined ? undefined : fromCache(known),
    unpack: async () => {
      const unpacked = await unpack();
      // What was written to while it was unpacked is not what was hashed.
      if ((await machine.hash(path, LIMITS.archiveBytes)) === hash) await cache.put(key, toCache(unpacked));
      return unpacked;
    },
  };
}

function toCache({ files, makefile, folder }: DriverFiles): Buffer {
  const entries = [...files].map(([name, content]) => [name, content.toString('latin1')]);
  return Buffer.from(JSON.stringify({ entries, makefile, folder }));
}

function fromCache(content: Buffer): DriverFiles {
  const { entries, makefile, folder }: { entries: [string, string][]; makefile?: string; folder: string } =
    JSON.parse(content.toString('utf8'));
  const files = new Map(entries.map(([name, text]) => [name, Buffer.from(text, 'latin1')]));
  return { files, ...defined({ makefile }), folder };
}

/**
 * Brings a whole kernel tree into the workspace: copies a folder (and never builds in it), or reads a tarball once for
 * names that lead out of it (E_ARCHIVE_UNSAFE) and then unpacks it with tar, both as the unprivileged user.
 * Returns the folder with the top Makefile.
 */
export async function wholeTree(workspace: Workspace, path: string, options: UnpackOptions): Promise<string> {
  const { machine } = workspace;
  const folder = workspace.at('tree');
  await machine.mkdir(folder, 0o755);
  if ((await machine.stat(path))?.type === 'directory') {
    options.progress.note(`copying ${path}`);
    await takeTree(machine, path, { bounds: LIMITS.sourceTree, into: folder, signal: options.signal });
    await workspace.handOver(folder);
    return folder;
  }
  const archive = await openArchive(machine, path);
  await scan(machine, archive, options);
  await workspace.handOver(folder);
  await unpack(machine, archive, folder, options);
  return topFolder(machine, folder, path);
}

async function scan(machine: Target, archive: Archive, options: UnpackOptions): Promise<void> {
  options.progress.note('checking for names that lead out of the archive');
  await readArchive(machine, archive, options, () => tarCollector(archive.path));
}

/** tar's option for each compression. */
const TAR_OPTIONS: Readonly<Record<string, string>> = { xz: '-J', gzip: '-z', bzip2: '-j', zstd: '--zstd' };

async function unpack(
  machine: Target,
  { path, compression }: Archive,
  folder: string,
  { user, signal, progress }: UnpackOptions,
): Promise<void> {
  const packed = compression === undefined ? [] : [TAR_OPTIONS[compression.name] ?? '-a'];
  progress.note('unpacking the whole tree');
  const place = '/tree';
  const argv = ['tar', '-x', ...packed, '-C', place, '--no-same-owner', '-f', '-'] as const;
  const sandbox = { readOnly: [], writable: [{ from: folder, to: place }], limits: LIMITS.build };
  const result = await machine.run(argv, { effect: 'write', stdinFile: path, user, signal, sandbox });
  signal?.throwIfAborted();
  if (result.status !== 0) throw truncated(path, result.stderr.trim().split('\n')[0] ?? 'tar failed');
}

async function topFolder(machine: Target, folder: string, path: string): Promise<string> {
  const candidates = [folder, ...(await machine.list(folder)).map((name) => join(folder, name))];
  for (const candidate of candidates) {
    // A link would lead whoever writes to it out of the work folder.
    if ((await machine.lstat(candidate))?.type !== 'directory') continue;
    if ((await machine.lstat(join(candidate, 'Makefile')))?.type === 'file') return candidate;
  }
  throw failure(
    'E_DRIVER_NOT_IN_SOURCE',
    `${path} is not a whole kernel tree: it has no top Makefile`,
    'with --whole-tree give --source the kernel’s whole source',
  );
}
