import { join } from 'node:path';
import { failure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { mustRun } from '../machine/tools.ts';
import type { Workspace } from '../work/workspace.ts';
import { type Archive, openArchive, streamArchive, truncated, type UnpackOptions } from './archive.ts';
import { tarCollector } from './tar-collector.ts';

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
    await mustRun(machine, ['cp', '-a', '--reflink=auto', '--', `${path}/.`, folder], {
      problem: (words) => new Error(`cannot copy the tree: ${words}`),
    });
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
  const collector = tarCollector(archive.path);
  options.progress.note('checking for names that lead out of the archive');
  await streamArchive(machine, archive, options, (chunk) => collector.write(chunk));
  collector.end();
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
  const argv = ['tar', '-x', ...packed, '-C', folder, '--no-same-owner', '-f', '-'] as const;
  const result = await machine.run(argv, { effect: 'write', stdinFile: path, user, signal });
  signal?.throwIfAborted();
  if (result.status !== 0) throw truncated(path, result.stderr.trim().split('\n')[0] ?? 'tar failed');
}

async function topFolder(machine: Target, folder: string, path: string): Promise<string> {
  const candidates = [folder, ...(await machine.list(folder)).map((name) => join(folder, name))];
  for (const candidate of candidates) {
    if ((await machine.stat(join(candidate, 'Makefile'))) !== undefined) return candidate;
  }
  throw failure(
    'E_DRIVER_NOT_IN_SOURCE',
    `${path} is not a whole kernel tree: it has no top Makefile`,
    'with --whole-tree give --source the kernel’s whole source',
  );
}
