import { join } from 'node:path';
import type { Target } from '../machine/port.ts';
import type { Workspace } from '../work/workspace.ts';
import type { HeaderPart } from './header-parts.ts';
import { needsItsRoot } from './links.ts';

/**
 * Whether the build folder can serve where it is: the user that compiles can read all of its parts and write none, and
 * nothing in them would lead to this machine's own kernel instead of the guest's: no absolute link, and beside the
 * build folder's no Makefile that names a folder.
 */
export async function canServeInPlace(
  origin: Target,
  parts: readonly HeaderPart[],
  workspace: Workspace,
): Promise<boolean> {
  if (parts.some(({ links }) => links.some(needsItsRoot))) return false;
  if (parts.slice(1).some(({ names }) => names.length > 0)) return false;
  const folders = await Promise.all(parts.map(({ path }) => origin.hostPath(path)));
  return areReadOnlyFor(workspace, folders);
}

async function areReadOnlyFor({ machine, user }: Workspace, folders: readonly string[]): Promise<boolean> {
  const fitting = ['-maxdepth', '0', '-readable', '-executable', '!', '-writable', '-printf', '.'];
  const { stdout } = await machine.run(['find', ...folders, ...fitting], {
    effect: 'read',
    ...(user === undefined ? {} : { user }),
  });
  return stdout.length === folders.length;
}

/**
 * A build folder of links: everything but the Makefile is the origin's own; the Makefile is made private by the
 * caller. Answers where each named folder really is.
 */
export async function linkFolder(
  origin: Target,
  parts: readonly HeaderPart[],
  home: string,
  { machine }: Workspace,
): Promise<ReadonlyMap<string, string>> {
  const [build] = parts;
  if (build === undefined) throw new Error('a build folder has at least itself');
  for (const name of await origin.list(build.path)) {
    const real = await origin.hostPath(join(build.path, name));
    if (name === 'Makefile') await machine.write(join(home, name), await origin.read(join(build.path, name)));
    else await machine.link(join(home, name), real);
  }
  const places = new Map([[build.named, home]]);
  for (const { named, path } of parts.slice(1)) places.set(named, await origin.hostPath(path));
  return places;
}
