import { chmod } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { failure } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { LIMITS } from '../limits.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { Bind } from '../machine/program.ts';
import { defined } from '../optional.ts';
import { takeTree } from '../work/take-tree.ts';
import type { Workspace } from '../work/workspace.ts';
import { treeVersion } from './driver-files.ts';
import { type TakenPart, takePart } from './header-copies.ts';
import { type HeaderPart, headerParts, unpackedBelow } from './header-parts.ts';
import { type Loader, programLibraries, programLoader } from './host-programs.ts';
import { showAtPlaces } from './show-folders.ts';

/** A kernel's build folder as a sandbox is to show it: with all its parts at their own paths, and no other kernel's. */
export interface Headers {
  /** Where `make -C` goes: a path in the sandbox. */
  readonly folder: string;
  /** What the sandbox must show, read-only. */
  readonly binds: readonly Bind[];
  /**
   * Makes the copies that `binds` shows, once; absent where they are made. Whoever starts a sandbox with `binds` waits for it.
   * Throws E_FILE_CHANGED where the headers are no longer those of the digest.
   */
  readonly ready?: () => Promise<void>;
  /** Throws E_FILE_CHANGED where something that is shown where it is was replaced since it was read: ask when all is built. */
  readonly requireUnchanged?: () => void;
  /** SHA-256 over names, modes and contents of all of it; undefined where nobody has read all of it. */
  readonly digest: string | undefined;
  /** Where it came from, for the manifest. */
  readonly origin: string;
  /** VERSION.PATCHLEVEL.SUBLEVEL of the tree that the headers are of. */
  readonly version: string;
  /** UTS_RELEASE: what `uname -r` says on the kernel that they belong to. */
  readonly release: string | undefined;
  /** The text of `.config`. */
  readonly config: string;
  /** The text of Module.symvers. */
  readonly symvers: string;
  /** What starts the build folder's own programs; absent where it has none. */
  readonly loader?: Loader;
}

export interface HeadersOptions {
  /**
   * Where the C library of the build folder's own programs may be, if not on this machine. Not given: they are not to be
   * run by this machine.
   */
  readonly libraries?: readonly Target[];
  /** Whose programs the sandbox has, with folders of its own where the headers' belong; not given: this machine. Null: the parts as they are, for a place that has nothing else. */
  readonly shownIn?: Target | null;
  /** Only reads what would be copied: there may be no use for the copies. They are made by `Headers.ready`. */
  readonly copyLater?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A finished build folder has these; without one of them it is the kernel's bare source, or half a package. */
const REQUIRED = ['Makefile', '.config', 'Module.symvers'];
const RELEASE_FILES = [
  'include/generated/utsrelease.h',
  'include/linux/utsrelease.h',
  'include/linux/version.h',
];

/**
 * Reads a build folder and all that it leads to. What is this machine's own is shown to the sandbox where it is, and so is
 * what of a guest's tree nobody but this process's user and root can change; of anything else, and of folders that the
 * compiling user may not read, a copy in the workspace is. Writes nothing where the headers come from. Throws E_HEADERS_MISSING, naming what is not there; E_FILE_UNSAFE for devices and the like;
 * E_TOOLS_MISSING where the headers' own programs cannot run here.
 */
export async function readHeaders(
  origin: Target,
  folder: string,
  workspace: Workspace,
  { libraries, shownIn = workspace.machine, copyLater = false, signal }: HeadersOptions = {},
): Promise<Headers> {
  const { place, build } = await openFolder(origin, folder);
  const taken = new Map<string, TakenPart>();
  const { parts, missing } = await headerParts(origin, build, async (path) => {
    // One part may hold another: each copy has a folder of its own.
    const copy = workspace.own('headers', String(taken.size));
    const part = await takePart(origin, path, { user: workspace.user, copy, copyLater, signal });
    taken.set(path, part);
    return part.links.map((link) => ({ path: join(path, link.path), text: link.text }));
  });
  requireWhole(place, missing);
  const binds = parts.flatMap((part) =>
    placesOf(part, build).map((to) => ({ from: taken.get(part.path)?.folder ?? part.path, to })),
  );
  const facts = await describe(origin, build, parts, place);
  if (libraries !== undefined && facts.loader !== undefined)
    binds.push(...(await takeLibraries(workspace, facts.loader, libraries)));
  const later = [...taken.values()].flatMap(({ copyNow }) => copyNow ?? []);
  let copying: Promise<unknown> | undefined;
  const ready = async (): Promise<void> => {
    copying ??= Promise.all(later.map((copyNow) => copyNow()));
    await copying;
  };
  const requireUnchanged = (): void => {
    for (const part of taken.values()) part.requireUnchanged?.();
  };
  return {
    ...(later.length === 0 ? {} : { ready }),
    requireUnchanged,
    folder: placeOf(build, build),
    binds: shownIn === null ? binds : await showAtPlaces(shownIn, workspace, binds),
    digest: sha256(
      JSON.stringify(parts.map((part) => [placesOf(part, build), taken.get(part.path)?.digest])),
    ),
    ...facts,
  };
}

async function takeLibraries(
  { machine, own, writeOwn }: Workspace,
  loader: Loader,
  places: readonly Target[],
): Promise<readonly Bind[]> {
  const binds: Bind[] = [];
  for (const { target, from, to } of await programLibraries(machine, loader, places)) {
    const copy = own('libraries', to);
    await writeOwn(copy, await target.read(from, LIMITS.moduleBytes));
    await chmod(copy, 0o755);
    binds.push({ from: copy, to });
  }
  return binds;
}

/** What the headers say of their kernel. */
export type HeaderFacts = Pick<Headers, 'origin' | 'version' | 'release' | 'config' | 'symvers' | 'loader'>;

/** The same without a work folder: only reads, and throws what `readHeaders` would. */
export async function surveyHeaders(
  origin: Target,
  folder: string,
  signal?: AbortSignal,
): Promise<HeaderFacts> {
  const { place, build } = await openFolder(origin, folder);
  const { parts, missing } = await headerParts(origin, build, async (path) => {
    const { links } = await takeTree(origin, path, { bounds: LIMITS.headers, signal });
    return links.map((link) => ({ path: join(path, link.path), text: link.text }));
  });
  requireWhole(place, missing);
  return describe(origin, build, parts, place);
}

/** The text of a build folder's `.config` alone; undefined where it cannot be read. */
export async function configOf(origin: Target, folder: string): Promise<string | undefined> {
  const build = await resolveLink(origin, folder);
  return origin.readText(join(build, '.config'), LIMITS.textBytes);
}

/** Throws E_HEADERS_MISSING where a look shows that it is no finished build folder. */
export async function requireHeaderFolder(origin: Target, folder: string): Promise<void> {
  await openFolder(origin, folder);
}

/** The folder's real path, and what messages call it. */
async function openFolder(
  origin: Target,
  folder: string,
): Promise<{ readonly place: string; readonly build: string }> {
  const place = `${!traitsOf(origin).isHere ? `${origin.name}:` : ''}${folder}`;
  const build = await resolveLink(origin, folder);
  const found = await Promise.all(REQUIRED.map((name) => origin.stat(join(build, name))));
  requireWhole(
    place,
    REQUIRED.filter((_, index) => found[index] === undefined),
  );
  return { place, build };
}

function requireWhole(place: string, [absent]: readonly string[]): void {
  if (absent !== undefined) throw incomplete(place, absent);
}

/** The paths by which the parts name each other: a part's own, and what a Makefile calls it. */
function placesOf({ named, path }: HeaderPart, build: string): readonly string[] {
  return [...new Set([placeOf(path, build), placeOf(named, build)])];
}

/** Packages that were unpacked below a folder of their own belong below `/`. */
function placeOf(path: string, build: string): string {
  const prefix = unpackedBelow(build);
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
}

/** `build` of a modules folder is a link; a part must be known by its real name. */
async function resolveLink(origin: Target, folder: string): Promise<string> {
  let path = folder;
  for (let depth = 0; depth < 8; depth += 1) {
    const link = await origin.readLink(path);
    if (link === undefined) break;
    // Debian 13 has `../../../src/…` in /usr/lib/modules: in /lib/modules, by its name, that would lead elsewhere.
    path = posix.resolve(await origin.realPath(dirname(path)), link);
  }
  return path;
}

function incomplete(place: string, what: string): Error {
  return failure(
    'E_HEADERS_MISSING',
    `${place} is not a complete build folder: ${what} is missing`,
    'install the package with this kernel’s headers and all that it depends on, or give --headers',
  );
}

async function describe(
  origin: Target,
  build: string,
  parts: readonly HeaderPart[],
  place: string,
): Promise<HeaderFacts> {
  const text = (path: string, limit: number) => origin.readText(path, limit);
  const makefiles = await Promise.all(
    parts.map(({ path }) => text(join(path, 'Makefile'), LIMITS.sourceBytes)),
  );
  const version = makefiles.map((found) => treeVersion(found ?? '')).find((found) => found !== undefined);
  if (version === undefined) throw incomplete(place, 'the Makefile with the kernel’s version');
  const releases = await Promise.all(RELEASE_FILES.map((name) => text(join(build, name), LIMITS.textBytes)));
  const release = releases.map((found) => /UTS_RELEASE "([^"]+)"/.exec(found ?? '')?.[1]).find(Boolean);
  const config = (await text(join(build, '.config'), LIMITS.textBytes)) ?? '';
  const symvers = (await text(join(build, 'Module.symvers'), LIMITS.indexBytes)) ?? '';
  const loader = await programLoader(origin, build);
  return { origin: place, version, release, config, symvers, ...defined({ loader }) };
}
