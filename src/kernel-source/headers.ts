import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../hash.ts';
import { LIMITS } from '../limits.ts';
import type { Target } from '../machine/port.ts';
import type { Bind } from '../machine/program.ts';
import type { Workspace } from '../work/workspace.ts';
import { type TakenPart, takePart } from './header-copies.ts';
import { describeHeaders, type HeaderFacts, openFolder, requireWhole } from './header-facts.ts';
import { headerParts } from './header-parts.ts';
import { partBinds, placeOf, placesOf } from './header-places.ts';
import type { HeadersInSight } from './headers-in-sight.ts';
import { type Loader, programLibraries } from './host-programs.ts';
import { showAtPlaces } from './show-folders.ts';

/** A kernel's build folder as a sandbox is to show it: with all its parts at their own paths, and no other kernel's. */
export interface Headers extends HeaderFacts {
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
}

export interface HeadersOptions {
  /**
   * Where the C library of the build folder's own programs may be, if not on this machine. Not given: they are not to be
   * run by this machine.
   */
  readonly libraries?: readonly Target[];
  /**
   * Whose programs the sandbox has, with folders of its own where the headers' belong; not given: this machine. Null: the
   * parts as they are, for a place that has nothing else.
   */
  readonly shownIn?: Target | null;
  /** Only reads what would be copied: there may be no use for the copies. They are made by `Headers.ready`. */
  readonly copyLater?: boolean;
  /** What a look at it has shown: where all of it says the same, its binds are used. */
  readonly inSight?: HeadersInSight | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a build folder and all that it leads to. What nobody but this process's user, and on this machine root, can change
 * is shown to the sandbox where it is, and so is what the workspace has just unpacked; of anything else, and of folders that
 * the compiling user may not read, a copy in the workspace is. Writes nothing where the headers come from. Throws
 * E_HEADERS_MISSING, naming what is not there; E_FILE_UNSAFE for devices and the like; E_TOOLS_MISSING where the headers' own
 * programs cannot run here.
 */
export async function readHeaders(
  origin: Target,
  folder: string,
  workspace: Workspace,
  { libraries, shownIn = workspace.machine, copyLater = false, inSight, signal }: HeadersOptions = {},
): Promise<Headers> {
  const { place, build } = await openFolder(origin, folder);
  const taken = new Map<string, TakenPart>();
  const { parts, missing } = await headerParts(origin, build, async (path) => {
    // One part may hold another: each copy has a folder of its own.
    const copy = workspace.own('headers', String(taken.size));
    const part = await takePart(origin, path, { workspace, copy, copyLater, signal });
    taken.set(path, part);
    return part.links.map((link) => ({ path: join(path, link.path), text: link.text }));
  });
  requireWhole(place, missing);
  const binds: Bind[] = partBinds(parts, build, (path) => taken.get(path)?.folder ?? path);
  const facts = await describeHeaders(origin, build, parts, place);
  if (libraries !== undefined && facts.loader !== undefined)
    binds.push(...(await takeLibraries(workspace, facts.loader, libraries)));
  const later = [...taken.values()].flatMap(({ copyNow }) => copyNow ?? []);
  let copying: Promise<unknown> | undefined;
  const ready = async (): Promise<void> => {
    copying ??= Promise.all(later.map((copyNow) => copyNow()));
    await copying;
  };
  const shownBinds = async (): Promise<readonly Bind[]> => {
    if (shownIn === null) return binds;
    if (inSight !== undefined && isDeepStrictEqual(inSight.parts, binds)) return inSight.binds;
    return showAtPlaces(shownIn, workspace, binds);
  };
  const inPlace = [...taken.values()].flatMap((part) => part.requireUnchanged ?? []);
  const requireUnchanged = (): void => {
    for (const ask of inPlace) ask();
  };
  return {
    // Where there is nothing to copy, either, whoever is in no need of a sandbox need not look whether its programs run.
    ...(later.length === 0 && !copyLater ? {} : { ready }),
    ...(inPlace.length === 0 ? {} : { requireUnchanged }),
    folder: placeOf(build, build),
    binds: await shownBinds(),
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
