import { join } from 'node:path';
import { traitsOf } from '../machine/kinds.ts';
import type { Target } from '../machine/port.ts';
import type { Bind } from '../machine/program.ts';
import type { Workspace } from '../work/workspace.ts';
import { placeToShow } from './header-copies.ts';
import { describeHeaders, type HeaderFacts, openFolder } from './header-facts.ts';
import { headerParts, type TakePart } from './header-parts.ts';
import { partBinds, placeOf } from './header-places.ts';
import { programLibraries } from './host-programs.ts';
import { showAtPlaces } from './show-folders.ts';

/**
 * A build folder as a look at it shows it: with the parts that its top level names. make can begin with it while all of it is
 * still being read, and must begin anew where that shows something else.
 */
export interface HeadersInSight extends HeaderFacts {
  /** Where `make -C` goes: a path in the sandbox. */
  readonly folder: string;
  /** What the sandbox must show, read-only. */
  readonly binds: readonly Bind[];
  /** The parts among the binds. */
  readonly parts: readonly Bind[];
}

/** As of `readHeaders`. */
interface LookOptions {
  readonly libraries?: readonly Target[];
  readonly shownIn?: Target | null;
}

/**
 * Undefined where a look is not enough: something of it has to be copied, or is missing. Whoever reads all of it says what.
 * Writes nothing where the headers come from.
 */
export async function headersInSight(
  origin: Target,
  folder: string,
  workspace: Workspace,
  { libraries, shownIn = workspace.machine }: LookOptions,
): Promise<HeadersInSight | undefined> {
  if (shownIn === null || !traitsOf(origin).hasOurTools) return undefined;
  try {
    const { place, build } = await openFolder(origin, folder);
    const places = new Map<string, string>();
    const { parts, missing } = await headerParts(origin, build, async (path) => {
      const there = await placeToShow(origin, path, workspace);
      if (there === undefined) throw new Error(`${path} has to be copied`);
      places.set(path, there);
      return topLinks(origin, path);
    });
    const facts = await describeHeaders(origin, build, parts, place);
    if (missing.length > 0 || (await needsLibraries(workspace, facts, libraries))) return undefined;
    const shown = partBinds(parts, build, (path) => places.get(path) ?? path);
    const binds = await showAtPlaces(shownIn, workspace, shown, 'stand-ins-ahead');
    return { folder: placeOf(build, build), binds, parts: shown, ...facts };
  } catch {
    return undefined;
  }
}

async function topLinks(origin: Target, path: string): ReturnType<TakePart> {
  const texts = await Promise.all(
    (await origin.list(path)).map(async (name) => {
      const link = join(path, name);
      return { path: link, text: await origin.readLink(link) };
    }),
  );
  return texts.flatMap(({ path, text }) => (text === undefined ? [] : [{ path, text }]));
}

async function needsLibraries(
  { machine }: Pick<Workspace, 'machine'>,
  { loader }: Pick<HeaderFacts, 'loader'>,
  libraries: readonly Target[] | undefined,
): Promise<boolean> {
  if (libraries === undefined || loader === undefined) return false;
  return (await programLibraries(machine, loader, libraries)).length > 0;
}
