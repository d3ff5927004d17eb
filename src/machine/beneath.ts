import { closeSync, constants } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { LIMITS } from '../limits.ts';
import { explained, isCode, unsafe } from './file-errors.ts';
import { FOLDER_ITSELF, handlePath, openPlace, statDescriptor } from './places.ts';

/**
 * The walk through a guest's tree. A path is resolved as the guest's kernel would, but never by a name of more than one
 * part: each folder is opened below the descriptor of the one before it, without following links, and links are read and
 * followed here. So it does not matter what another process moves or replaces in the meantime: no step leads out of the
 * tree.
 */

/** As the kernel's own limit, MAXSYMLINKS. */
const MAX_LINKS = 40;
/** A name that is another thing each time that it is looked at. */
const MAX_LOOKS = 1000;

/** What a path leads to. The descriptors in it are open until the walk's user has finished. */
export interface Found {
  /** The guest's own path without links. Of what does not exist the rest stays as it is. */
  readonly path: string;
  /** What is there, by a descriptor that only names it. Undefined where there is nothing, or only the name was asked for. */
  readonly place: number | undefined;
  /** What is there, or the nearest folder above it. */
  readonly nearest: number;
  /** Where there is nothing: why, such as ENOENT. */
  readonly missing: Error | undefined;
  /** How this process reaches the name in the folder that holds it. Throws where that folder is missing. */
  readonly name: () => string;
}

export interface Walk {
  /** A folder of this machine; its own path is trusted. */
  readonly root: string;
  /** The guest's absolute path. */
  readonly path: string;
  /** `name`: what has the last name is neither opened nor followed (lstat, unlink, rename). */
  readonly upTo: 'target' | 'name';
}

/** Where a walk has come to. */
interface Route {
  /** The folders from the root on; the last may be a file. */
  readonly held: { readonly name: string; readonly descriptor: number }[];
  /** The names after that, of which nothing exists. */
  readonly beyond: string[];
  missing: Error | undefined;
}

/**
 * Resolves a path below a root, and lets `use` work with what is there. An absolute link starts again at the root, and
 * `..` never climbs above it. Throws E_FILE_UNSAFE where links lead in a circle, or folders are nested too deep.
 */
export async function beneath<T>(walk: Walk, use: (found: Found) => Promise<T>): Promise<T> {
  return explained(walk.path, () => reach(walk, use), walk.root);
}

async function reach<T>(walk: Walk, use: (found: Found) => Promise<T>): Promise<T> {
  if (!posix.isAbsolute(walk.path)) throw new Error(`not an absolute path: ${walk.path}`);
  const root = await openPlace(walk.root, constants.O_DIRECTORY);
  const route: Route = { held: [{ name: '', descriptor: root }], beyond: [], missing: undefined };
  try {
    return await use(await follow(route, walk));
  } finally {
    for (const { descriptor } of route.held) closeSync(descriptor);
  }
}

async function follow(route: Route, { path, upTo }: Walk): Promise<Found> {
  const pending = components(path);
  let links = 0;
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === '..') {
      up(route);
      continue;
    }
    if (upTo === 'name' && pending.length === 0) return nameIn(route, part);
    const link = await down(route, part, path);
    if (link === undefined) continue;
    links += 1;
    if (links > MAX_LINKS) throw unsafe(path, 'its links lead in a circle');
    if (posix.isAbsolute(link)) while (route.held.length > 1) up(route);
    pending.unshift(...components(link));
  }
  return target(route);
}

function components(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function up(route: Route): void {
  if (route.beyond.length > 0) {
    route.beyond.pop();
    if (route.beyond.length === 0) route.missing = undefined;
    return;
  }
  if (route.held.length === 1) return;
  const last = route.held.pop();
  if (last !== undefined) closeSync(last.descriptor);
}

/** One step: into what has the name; the text of a link, which is not followed; or beyond what exists. */
async function down(route: Route, part: string, path: string): Promise<string | undefined> {
  if (route.beyond.length > 0) {
    route.beyond.push(part);
    return undefined;
  }
  const name = `${handlePath(top(route))}/${part}`;
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    try {
      const step = await lookAt(name);
      if (typeof step === 'string') return step;
      route.held.push({ name: part, descriptor: step });
      if (route.held.length > LIMITS.folderDepth) throw unsafe(path, 'its folders are nested too deep');
      return undefined;
    } catch (error) {
      // It was a link a moment ago.
      if (isCode(error, 'EINVAL')) continue;
      if (!isCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG')) throw error;
      route.missing = error as Error;
      route.beyond.push(part);
      return undefined;
    }
  }
  throw unsafe(path, 'another process keeps changing it');
}

/** The descriptor of what is there, or a link's text. Throws EINVAL where the link has gone in between. */
async function lookAt(name: string): Promise<number | string> {
  try {
    return await openPlace(name, FOLDER_ITSELF);
  } catch (error) {
    if (!isCode(error, 'ENOTDIR', 'ELOOP')) throw error;
  }
  const descriptor = await openPlace(name, constants.O_NOFOLLOW);
  let isLink = true;
  try {
    isLink = (await statDescriptor(descriptor)).isSymbolicLink();
    return isLink ? await readlink(name) : descriptor;
  } finally {
    if (isLink) closeSync(descriptor);
  }
}

function top({ held }: Route): number {
  return held.at(-1)?.descriptor ?? -1;
}

function pathOf({ held, beyond }: Route, ...more: readonly string[]): string {
  return `/${[...held.slice(1).map(({ name }) => name), ...beyond, ...more].join('/')}`;
}

/** What the whole path leads to. */
function target(route: Route): Found {
  const { held, beyond, missing } = route;
  const nearest = top(route);
  const found = { path: pathOf(route), nearest, missing };
  const [first, ...rest] = beyond;
  if (first !== undefined) {
    return {
      ...found,
      place: undefined,
      name: () => {
        if (rest.length > 0) throw missing;
        return `${handlePath(nearest)}/${first}`;
      },
    };
  }
  const folder = held.at(-2);
  const own = held.at(-1)?.name ?? '';
  return {
    ...found,
    place: nearest,
    name: () =>
      folder === undefined ? `${handlePath(nearest)}/.` : `${handlePath(folder.descriptor)}/${own}`,
  };
}

/** The last name in the folder that the others lead to. */
function nameIn(route: Route, part: string): Found {
  const { missing } = route;
  const nearest = top(route);
  return {
    path: pathOf(route, part),
    place: undefined,
    nearest,
    missing,
    name: () => {
      if (missing !== undefined) throw missing;
      return `${handlePath(nearest)}/${part}`;
    },
  };
}
