import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { Bind } from '../machine/program.ts';
import type { Workspace } from '../work/workspace.ts';
import { isInside } from './header-parts.ts';

/*
 * The parts of a build folder name each other by absolute and relative paths, so a sandbox must show each at its own
 * path. The sandbox's /usr is this machine's, read-only: a folder that this machine lacks cannot be shown below it. And
 * this machine's own kernels are there, which a link of a guest must not find. Both are solved by a stand-in: a folder
 * of ours over /usr/lib, say, that has a mount point for each of its entries, but none of a kernel, and those that are wanted.
 * 70 such mounts take bubblewrap 20 ms. Rewriting the paths in Makefiles and links took more code, and missed what a script names.
 */

/** Folders where a machine keeps kernels' build folders beside other things. */
const KEEP_KERNELS = ['/usr/src', '/usr/lib', '/lib'] as const;
/** What of these belongs to a kernel of this machine. */
const OF_A_KERNEL = /^(linux|kernels?$|modules$)/;
/** What a sandbox has of this machine's, as real folders. */
const OF_THE_MACHINE = ['/usr', '/lib'] as const;
/** What a sandbox has of a tree. */
const OF_A_TREE = [...OF_THE_MACHINE, '/opt', '/etc'] as const;

/**
 * The binds by which a sandbox with the programs of `machine` shows folders and files at places of their own, and no kernel of
 * it. `label`: the workspace's folder for the stand-ins, which must be new.
 */
export async function showAtPlaces(
  machine: Target,
  { machine: builder, own }: Pick<Workspace, 'machine' | 'own'>,
  wanted: readonly Bind[],
  label = 'stand-ins',
): Promise<readonly Bind[]> {
  const isMerged = (await machine.lstat('/lib'))?.type === 'link';
  const shown = wanted.map(({ from, to }) => ({
    from,
    to: isMerged && to.startsWith('/lib/') ? `/usr${to}` : to,
  }));
  const above = await Promise.all(shown.map(({ to }) => folderAbove(machine, to)));
  const usual = KEEP_KERNELS.filter((path) => path !== '/lib' || !isMerged);
  const covered = new Set([...usual, ...above].filter((path) => path !== undefined));
  const binds: Bind[] = [];
  const entries: Bind[] = [];
  for (const path of covered) {
    if ((await machine.stat(path))?.type !== 'directory') continue;
    const standIn = own(label, path, 'entries');
    await makeFolder(standIn);
    for (const { from, to } of shown)
      if (to !== path && isInside(to, path))
        await makePlace(builder, from, join(standIn, relative(path, to)));
    binds.push({ from: standIn, to: path });
    if (path !== '/usr/src') entries.push(...(await ownEntries(machine, path, standIn)));
  }
  // A stand-in comes in the place of the folder itself.
  return [...binds, ...entries.filter(({ to }) => !covered.has(to)), ...shown];
}

/** The nearest folder above a place that this machine has, where the sandbox shows it as this machine's. */
async function folderAbove(machine: Target, place: string): Promise<string | undefined> {
  const shown = traitsOf(machine).isHere ? OF_THE_MACHINE : OF_A_TREE;
  if (!shown.some((folder) => isInside(place, folder))) return undefined;
  let folder = dirname(place);
  while ((await machine.stat(folder))?.type !== 'directory') folder = dirname(folder);
  return folder === '/' ? undefined : folder;
}

async function ownEntries(machine: Target, folder: string, standIn: string): Promise<readonly Bind[]> {
  const names = (await machine.list(folder)).filter(
    (name) => !(KEEP_KERNELS.some((kept) => kept === folder) && OF_A_KERNEL.test(name)),
  );
  // /usr/lib has a hundred: one after the other they would be waited for longer than for the mounts.
  const binds = await Promise.all(
    names.map((name) => ownEntry(machine, join(folder, name), join(standIn, name))),
  );
  return binds.flat();
}

async function ownEntry(machine: Target, path: string, place: string): Promise<readonly Bind[]> {
  const type = (await machine.lstat(path))?.type;
  if (type === 'link') await symlink((await machine.readLink(path)) ?? '', place);
  else if (type === 'directory') await makeFolder(place);
  else if (type === 'file') await writeFile(place, '');
  if (type !== 'directory' && type !== 'file') return [];
  // A tree's own links must not lead anywhere on this machine.
  return [{ from: traitsOf(machine).isHere ? path : await machine.hostPath(path), to: path }];
}

/** A file can only be shown over a file. */
async function makePlace(builder: Target, from: string, place: string): Promise<void> {
  if ((await builder.stat(from))?.type !== 'file') return makeFolder(place);
  await makeFolder(dirname(place));
  await writeFile(place, '');
}

/** With all above it, whatever the umask is: the user that compiles must pass. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let folder = path; folder.length >= first.length; folder = dirname(folder)) await chmod(folder, 0o755);
}
