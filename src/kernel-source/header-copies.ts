import { lstatSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { traitsOf } from '../machine/kinds.ts';
import { isOursAlone, isOwnerTrusted } from '../machine/ours-alone.ts';
import type { Target } from '../machine/port.ts';
import { type TakenTree, takeTree } from '../work/take-tree.ts';
import type { Workspace } from '../work/workspace.ts';

export interface TakenPart {
  /** What a sandbox shows: a folder of this machine. */
  readonly folder: string;
  readonly digest: string;
  readonly links: TakenTree['links'];
  /** The folder is still empty: fills it. */
  readonly copyNow?: () => Promise<void>;
  /** Of a folder that is shown where it is. Throws E_FILE_CHANGED where something in it was replaced since it was read. */
  readonly requireUnchanged?: () => void;
}

interface HowTaken {
  readonly workspace: Pick<Workspace, 'user' | 'folder'>;
  readonly copy: string;
  readonly copyLater: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Reads a part whole; what a sandbox may not be shown where it is, it gets as a copy. */
export async function takePart(origin: Target, path: string, how: HowTaken): Promise<TakenPart> {
  const { workspace, copy, copyLater, signal } = how;
  const options = { bounds: LIMITS.headers, signal };
  const place = await placeToShow(origin, path, workspace);
  const since = place === undefined ? 0 : lstatSync(place).ctimeMs;
  const read = copyLater || place !== undefined ? await takeTree(origin, path, options) : undefined;
  if (place !== undefined && read !== undefined && mayBeShown(origin, read, place, workspace)) {
    const folders = new Map([...read.folders, ['', since] as const]);
    return { ...read, folder: place, requireUnchanged: () => requireUnchanged(place, folders) };
  }
  if (!copyLater || read === undefined)
    return { ...(await takeTree(origin, path, { ...options, into: copy })), folder: copy };
  await mkdir(copy, { recursive: true, mode: 0o755 });
  const copyNow = async (): Promise<void> => {
    const { digest } = await takeTree(origin, path, { ...options, into: copy });
    if (digest !== read.digest) throw changed(path);
  };
  return { ...read, folder: copy, copyNow };
}

/**
 * Where the folder is on this machine, if what it holds stays what was read: the cache serves other guests by its hash. So
 * nobody but us, and on this machine root, may be able to change it; or we have just unpacked it ourselves.
 */
export async function placeToShow(
  origin: Target,
  path: string,
  workspace: Pick<Workspace, 'folder'>,
): Promise<string | undefined> {
  const { isHere, hasOurTools } = traitsOf(origin);
  if (!hasOurTools) return undefined;
  if (isHere && isUnpacked(path, workspace)) return path;
  const place = await origin.hostPath(path);
  if (!(await isOursAlone(place, isHere))) return undefined;
  return isHere || (await isUnused(origin)) ? place : undefined;
}

/** Lies in the work folder: what runs meanwhile as the user to whom it belongs has a sandbox without it. */
function isUnpacked(path: string, { folder }: Pick<Workspace, 'folder'>): boolean {
  return path.startsWith(`${folder}/`);
}

/** The user that compiles must be able to read it. */
function mayBeShown(
  origin: Target,
  { isOpenToAll, owners, othersWrite }: TakenTree,
  place: string,
  workspace: HowTaken['workspace'],
): boolean {
  if (workspace.user !== undefined && !isOpenToAll) return false;
  const { isHere } = traitsOf(origin);
  if (isHere && isUnpacked(place, workspace)) return true;
  return !othersWrite && [...owners].every((owner) => isOwnerTrusted(owner, isHere));
}

const unused = new WeakMap<Target, Promise<boolean>>();

/** Asked once: it looks at all processes. */
function isUnused(origin: Target): Promise<boolean> {
  const known = unused.get(origin);
  if (known !== undefined) return known;
  const asked = origin.requireUnused().then(
    () => true,
    () => false,
  );
  unused.set(origin, asked);
  return asked;
}

/** A package manager replaces files, and does not write into them: so the folders tell. */
function requireUnchanged(place: string, folders: TakenTree['folders']): void {
  for (const [path, since] of folders) {
    const now = lstatSync(join(place, path), { throwIfNoEntry: false });
    if (now?.ctimeMs !== since) throw changed(join(place, path));
  }
}

function changed(path: string): Error {
  return failure(
    'E_FILE_CHANGED',
    `${path} changed while it was read`,
    'wait until whatever writes to it has ended (a package manager?), and run the same command again',
  );
}
