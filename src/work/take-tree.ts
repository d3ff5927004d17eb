import { createHash, type Hash } from 'node:crypto';
import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { TargetReads, WalkBounds, WalkedEntry } from '../machine/port.ts';

export interface TakeOptions {
  readonly bounds: WalkBounds;
  /** A new folder for a copy; undefined: the tree is only read. */
  readonly into?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a folder holds, all of it read once. */
export interface TakenTree {
  /** SHA-256 over all names, modes, texts of links and contents. */
  readonly digest: string;
  /** Path below the folder and text of each link. */
  readonly links: readonly { readonly path: string; readonly text: string }[];
  /** Whether every user may read all of it. */
  readonly isOpenToAll: boolean;
  /** The user ids to whom something of it belongs. */
  readonly owners: ReadonlySet<number>;
  /** Whether somebody beside its owner may write to something of it. */
  readonly othersWrite: boolean;
  /** Path below the folder and st_ctime in ms of each folder in it: a file that is replaced changes that of its folder. */
  readonly folders: ReadonlyMap<string, number | undefined>;
}

/**
 * Reads a folder of a target at any depth, hashes it meanwhile, and with `into` copies it: files, folders and links, with
 * no more of their modes than whether they can be run. Throws E_FILE_UNSAFE for anything else in it, or too much of it.
 */
export async function takeTree(
  origin: Pick<TargetReads, 'walk'>,
  folder: string,
  { bounds, into, signal }: TakeOptions,
): Promise<TakenTree> {
  const digest = createHash('sha256');
  const links: TakenTree['links'][number][] = [];
  const folders = new Map<string, number | undefined>();
  const owners = new Set<number>();
  let isOpenToAll = true;
  let othersWrite = false;
  // Asked once: two calls of the kernel for each of 16,000 files take longer than it takes to hash them.
  const cut = cutsModes();
  if (into !== undefined) makeOpenFolder(into, cut);
  for await (const entry of origin.walk(folder, bounds)) {
    signal?.throwIfAborted();
    if (entry.type === 'link') links.push({ path: entry.path, text: entry.text });
    else {
      if ((entry.mode & OPEN[entry.type]) !== OPEN[entry.type]) isOpenToAll = false;
      if ((entry.mode & OTHERS_WRITE) !== 0) othersWrite = true;
      owners.add(entry.owner);
    }
    if (entry.type === 'directory') folders.set(entry.path, entry.changed);
    const content = takeEntry(entry, into, cut);
    digest.update(`${JSON.stringify([entry.type, entry.path, modeOf(entry), content])}\n`);
  }
  return { digest: digest.digest('hex'), links, isOpenToAll, owners, othersWrite, folders };
}

const OPEN = { directory: 0o005, file: 0o004 } as const;
/** The write bits of group and others. An access control list that lets others write has the group's, too: acl(5). */
const OTHERS_WRITE = 0o022;

function modeOf(entry: WalkedEntry): number | null {
  return entry.type === 'link' ? null : entry.mode;
}

/** Creates the entry's copy; answers what stands for its content in the hash. */
function takeEntry(entry: WalkedEntry, into: string | undefined, cut: boolean): string | null {
  const place = into === undefined ? undefined : join(into, entry.path);
  if (entry.type === 'file') return takeFile(entry, place, cut);
  if (entry.type === 'link') {
    if (place !== undefined) symlinkSync(entry.text, place);
    return entry.text;
  }
  if (place !== undefined) makeOpenFolder(place, cut);
  return null;
}

function takeFile(file: WalkedEntry & { type: 'file' }, place: string | undefined, cut: boolean): string {
  let digest: Hash | undefined;
  const mode = (file.mode & 0o111) === 0 ? 0o644 : 0o755;
  const copy = place === undefined ? undefined : openSync(place, 'wx', mode);
  try {
    if (copy !== undefined && cut) fchmodSync(copy, mode);
    for (const piece of file.content()) {
      digest ??= createHash('sha256');
      digest.update(piece);
      if (copy !== undefined) writeWhole(copy, piece);
    }
  } finally {
    if (copy !== undefined) closeSync(copy);
  }
  return digest?.digest('hex') ?? EMPTY;
}

/** SHA-256 of nothing. */
const EMPTY = createHash('sha256').digest('hex');

function makeOpenFolder(path: string, cut: boolean): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  if (cut) chmodSync(path, 0o755);
}

/** Whether the caller's umask would keep the user that compiles from reading what is created. */
function cutsModes(): boolean {
  return (process.umask() & 0o055) !== 0;
}

function writeWhole(descriptor: number, piece: Buffer): void {
  for (let written = 0; written < piece.length; )
    written += writeSync(descriptor, piece, written, piece.length - written);
}
