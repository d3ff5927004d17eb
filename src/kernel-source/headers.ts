import { dirname, join, posix } from 'node:path';
import { failure } from '../errors.ts';
import { makeFolders } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import type { Workspace } from '../work/workspace.ts';
import { treeVersion } from './driver-files.ts';
import { headerParts } from './header-parts.ts';
import { canServeInPlace, copyFolders, linkFolder } from './private-copy.ts';

/** A kernel's build folder in a private copy, which names nothing of this machine's own. */
export interface Headers {
  /** Where `make -C` goes, in the workspace. */
  readonly folder: string;
  /** Every folder that takes part, where it really is. */
  readonly folders: readonly string[];
  /** Where it came from, for the manifest. */
  readonly origin: string;
  /** VERSION.PATCHLEVEL.SUBLEVEL of the tree that the headers are of. */
  readonly version: string;
  /** UTS_RELEASE: what `uname -r` says on the kernel that they belong to. */
  readonly release: string | undefined;
  /** The text of `.config`. */
  readonly config: string;
}

/** A finished build folder has these; without one of them it is the kernel's bare source, or half a package. */
const REQUIRED = ['Makefile', '.config', 'Module.symvers'];
const RELEASE_FILES = [
  'include/generated/utsrelease.h',
  'include/linux/utsrelease.h',
  'include/linux/version.h',
];

/**
 * Creates the private copy: the build folder with its Makefile's paths rewritten, and next to it all that it leads to.
 * Writes nothing where the headers come from.
 * Throws E_HEADERS_MISSING, naming what is not there.
 */
export async function privateHeaders(origin: Target, folder: string, workspace: Workspace): Promise<Headers> {
  const place = `${origin.kind === 'root' ? `${origin.name}:` : ''}${folder}`;
  const build = await resolveLink(origin, folder);
  for (const name of REQUIRED) {
    if ((await origin.stat(join(build, name))) === undefined) throw incomplete(place, name);
  }
  const { parts, missing } = await headerParts(origin, build);
  const [absent] = missing;
  if (absent !== undefined) throw incomplete(place, absent);

  const home = join(workspace.at('headers'), build);
  await makeFolders(workspace.machine, dirname(home));
  const places = (await canServeInPlace(origin, parts, workspace))
    ? await linkFolder(origin, parts, home, workspace)
    : await copyFolders(origin, parts, workspace);
  const prepared = places.get(build) ?? home;
  const folders = await Promise.all(parts.map(({ path }) => origin.hostPath(path)));
  return { ...(await describe(workspace, prepared, places, place)), folders };
}

/** `build` of a modules folder is a link; a part must be known by its real name. */
async function resolveLink(origin: Target, folder: string): Promise<string> {
  let path = folder;
  for (let depth = 0; depth < 8; depth += 1) {
    const link = await origin.readLink(path);
    if (link === undefined) break;
    path = posix.resolve(dirname(path), link);
  }
  return path;
}

function incomplete(place: string, what: string): Error {
  return failure(
    'E_HEADERS_MISSING',
    `${place} is not a complete build folder: ${what} is missing`,
    'install the kernel’s own headers package with all that it depends on (Debian: linux-headers-RELEASE), or give --headers',
  );
}

async function describe(
  { machine }: Workspace,
  home: string,
  copies: ReadonlyMap<string, string>,
  origin: string,
): Promise<Omit<Headers, 'folders'>> {
  const makefiles = await Promise.all(
    [...copies.values()].map((copy) => machine.readText(join(copy, 'Makefile'))),
  );
  const version = makefiles.map((text) => treeVersion(text ?? '')).find((found) => found !== undefined);
  if (version === undefined) throw incomplete(origin, 'the Makefile with the kernel’s version');
  const releases = await Promise.all(RELEASE_FILES.map((name) => machine.readText(join(home, name))));
  const release = releases.map((text) => /UTS_RELEASE "([^"]+)"/.exec(text ?? '')?.[1]).find(Boolean);
  const config = (await machine.readText(join(home, '.config'))) ?? '';
  return { folder: home, origin, version, release, config };
}
