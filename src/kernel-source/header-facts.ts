import { dirname, join, posix } from 'node:path';
import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import { defined } from '../optional.ts';
import { takeTree } from '../work/take-tree.ts';
import { treeVersion } from './driver-files.ts';
import { type HeaderPart, headerParts } from './header-parts.ts';
import { type Loader, programLoader } from './host-programs.ts';

/** What the headers say of their kernel. */
export interface HeaderFacts {
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

/** A finished build folder has these; without one of them it is the kernel's bare source, or half a package. */
const REQUIRED = ['Makefile', '.config', 'Module.symvers'];
const RELEASE_FILES = [
  'include/generated/utsrelease.h',
  'include/linux/utsrelease.h',
  'include/linux/version.h',
];

/** What `readHeaders` would say of a build folder, without a work folder: only reads, and throws the same. */
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
  return describeHeaders(origin, build, parts, place);
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
export async function openFolder(
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

/** Throws E_HEADERS_MISSING for the first of what is absent. */
export function requireWhole(place: string, [absent]: readonly string[]): void {
  if (absent !== undefined) throw incomplete(place, absent);
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

/** Reads what the headers say of their kernel. Throws E_HEADERS_MISSING where no Makefile of theirs has its version. */
export async function describeHeaders(
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
