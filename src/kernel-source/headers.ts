import { dirname, join, posix, relative } from 'node:path';
import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { makeFolders } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { mustRun } from '../machine/tools.ts';
import type { Workspace } from '../work/workspace.ts';
import { treeVersion } from './driver-files.ts';
import { type HeaderPart, headerParts, isInside, type Link, needsItsRoot } from './header-parts.ts';

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
    [...copies.values()].map((copy) => machine.readText(join(copy, 'Makefile'), LIMITS.sourceBytes)),
  );
  const version = makefiles.map((text) => treeVersion(text ?? '')).find((found) => found !== undefined);
  if (version === undefined) throw incomplete(origin, 'the Makefile with the kernel’s version');
  const releases = await Promise.all(
    RELEASE_FILES.map((name) => machine.readText(join(home, name), LIMITS.textBytes)),
  );
  const release = releases.map((text) => /UTS_RELEASE "([^"]+)"/.exec(text ?? '')?.[1]).find(Boolean);
  const config = (await machine.readText(join(home, '.config'), LIMITS.textBytes)) ?? '';
  return { folder: home, origin, version, release, config };
}

/** Where the copy of each part is, by the name that the parts use for it. */
type Copies = ReadonlyMap<string, string>;

/**
 * Whether the build folder can be used where it is: the user that compiles can read all of its parts and write none, and
 * nothing in them leads to this machine's own kernel instead of the guest's: no absolute link, and no Makefile that
 * names a folder except the build folder's own.
 */
async function canServeInPlace(
  origin: Target,
  parts: readonly HeaderPart[],
  { machine, user }: Workspace,
): Promise<boolean> {
  if (parts.some(({ links }) => links.some(needsItsRoot))) return false;
  if (parts.slice(1).some(({ names }) => names.length > 0)) return false;
  const folders = await Promise.all(parts.map(({ path }) => origin.hostPath(path)));
  const fitting = ['-maxdepth', '0', '-readable', '-executable', '!', '-writable', '-printf', '.'];
  const { stdout } = await machine.run(['find', ...folders, ...fitting], { effect: 'read', user });
  return stdout.length === folders.length;
}

/** Creates a build folder of links: all but the Makefile is the origin's own. Returns where each named folder is. */
async function linkFolder(
  origin: Target,
  parts: readonly [HeaderPart, ...HeaderPart[]],
  home: string,
  { machine }: Workspace,
): Promise<Copies> {
  const [build, ...others] = parts;
  await machine.mkdir(home, 0o755);
  for (const name of await origin.list(build.path)) {
    const real = await origin.hostPath(join(build.path, name));
    if (name === 'Makefile')
      await machine.write(join(home, name), await origin.read(join(build.path, name), LIMITS.sourceBytes));
    else await machine.link(join(home, name), real);
  }
  const places = new Map([[build.named, home]]);
  for (const { named, path } of others) places.set(named, await origin.hostPath(path));
  await makeMakefilesPrivate(machine, [home], places);
  return places;
}

/** Copies every part, so that none leads elsewhere. Returns where each named folder is now. */
async function copyFolders(
  origin: Target,
  parts: readonly HeaderPart[],
  workspace: Workspace,
): Promise<Copies> {
  const places = new Map<string, string>();
  for (const { named, path } of parts) {
    // What was unpacked into the workspace is private already.
    const isPrivate = origin.kind === 'local' && path.startsWith(`${workspace.folder}/`);
    const copy = isPrivate ? path : join(workspace.at('headers'), path);
    places.set(named, copy);
    if (!isPrivate) await copyFolder(origin, path, copy, workspace);
  }
  await makeMakefilesPrivate(workspace.machine, [...places.values()], places);
  await makeLinksPrivate(workspace.machine, origin, parts, places);
  return places;
}

async function copyFolder(origin: Target, from: string, to: string, { machine }: Workspace): Promise<void> {
  await makeFolders(machine, dirname(to));
  const source = await origin.hostPath(from);
  // A part may hold the build folder, whose copy is there already: -T copies over it, not into it.
  const argv = ['cp', '-aT', '--no-preserve=ownership', '--reflink=auto', '--', source, to] as const;
  await mustRun(machine, argv, { problem: (text) => new Error(`cannot copy ${from}: ${text}`) });
}

/** Rewrites the paths in the Makefiles at the top of the folders so that they lead to the copies. */
async function makeMakefilesPrivate(
  machine: Target,
  folders: readonly string[],
  copies: Copies,
): Promise<void> {
  for (const folder of folders) {
    const makefile = join(folder, 'Makefile');
    const text = (await machine.readText(makefile, LIMITS.sourceBytes)) ?? '';
    const rewritten = replacePaths(text, copies);
    if (rewritten !== text) await machine.write(makefile, rewritten);
  }
}

/** In one pass and the longest first: `…-42` must not be found in `…-42-generic`, nor in a path just put in. */
function replacePaths(text: string, copies: Copies): string {
  const names = [...copies.keys()]
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replace(/[^\w/-]/g, '\\$&'));
  return text.replace(
    new RegExp(`(?:${names.join('|')})(?![\\w.+~-])`, 'g'),
    (name) => copies.get(name) ?? name,
  );
}

/**
 * Corrects the links of the copies that would lead to this machine's files, or nowhere: they get the copy of what they
 * mean, or where there is none, the origin's own.
 */
async function makeLinksPrivate(
  machine: Target,
  origin: Target,
  parts: readonly HeaderPart[],
  copies: Copies,
): Promise<void> {
  for (const part of parts) {
    const copy = copies.get(part.named) ?? part.path;
    for (const link of part.links) {
      if (leadsToCopy(link, parts)) continue;
      const place = copyOf(link.leadsTo, copies) ?? (await origin.hostPath(link.leadsTo));
      await machine.link(join(copy, relative(part.path, link.path)), place);
    }
  }
}

/** The copies are placed relative to each other as the parts are. */
function leadsToCopy(link: Link, parts: readonly HeaderPart[]): boolean {
  return !needsItsRoot(link) && parts.some(({ path }) => isInside(link.leadsTo, path));
}

/** In the innermost of the folders that hold it. */
function copyOf(path: string, copies: Copies): string | undefined {
  const [innermost] = [...copies]
    .filter(([named]) => isInside(path, named))
    .sort(([a], [b]) => b.length - a.length);
  return innermost === undefined ? undefined : join(innermost[1], relative(innermost[0], path));
}
