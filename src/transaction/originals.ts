import { basename } from 'node:path';
import { LIMITS } from '../limits.ts';
import type { Target } from '../machine/port.ts';
import { type FileRecord, recordFile, sameRecord } from '../machine/record.ts';
import { currentFiles, type Handler } from './handler.ts';
import { filesOf, type Step, type TouchedFile } from './steps.ts';

/** Describes a file that a step is going to touch. The copy is made when the transaction begins. */
export type Touch = (path: string, keptAs?: string) => Promise<TouchedFile>;

/**
 * For the files of one transaction: two of one name (grub.cfg and a drop-in's) must not share a place. `keptAs` is the
 * whole path of a copy that an earlier step of the same transaction makes.
 */
export function touching(target: Target): Touch {
  const names = new Set<string>();
  return async (path, keptAs) => {
    const original = await recordFile(target, path);
    if (original === undefined) return { path, original: null, backup: null };
    return { path, original, backup: keptAs ?? unusedName(names, basename(path)) };
  };
}

function unusedName(names: Set<string>, name: string): string {
  let unused = name;
  for (let number = 2; names.has(unused); number += 1) unused = `${name}.${number}`;
  names.add(unused);
  return unused;
}

/** Where the kept copy of a touched file is, of a transaction with this folder. */
export function keptPath(folder: string, backup: string): string {
  return backup.startsWith('/') ? backup : `${folder}/originals/${backup}`;
}

/**
 * As a hard link where the file system can: no space is needed, neither now nor when it is put back, and every
 * attribute is the original's own. Whatever replaces the original does so by rename. Else as a copy.
 */
export async function keep(target: Target, original: FileRecord, place: string): Promise<void> {
  if (!(await target.hardLink(original.path, place))) await target.copy(original.path, place);
  // A copy that is not the original would be found out only when it is needed.
  const kept = await target.hash(place, LIMITS.imageBytes);
  if (kept !== original.sha256) throw new Error(`the backup of ${original.path} differs from it`);
}

/** Puts one file back as it was: bytes, mode, owner, times, extended attributes. Does nothing where it is so already. */
export async function restore(
  target: Target,
  folder: string,
  { path, original, backup }: TouchedFile,
): Promise<void> {
  const now = await recordFile(target, path);
  if (original === null || backup === null) {
    if (now !== undefined) await target.remove(path);
    return;
  }
  if (sameRecord(now, original)) return;
  const kept = keptPath(folder, backup);
  if ((await recordFile(target, kept))?.sha256 !== original.sha256)
    throw new Error(`${kept}, the kept original of ${path}, is missing or was changed`);
  // A link needs no space: an undo must come to its end on a full disk, too.
  if (!(await target.hardLink(kept, path))) await target.copy(kept, path);
}

/** What steps have in common that are done by writing or removing their files, the first of which names them. */
export const ofFiles = {
  current: (context, step) => currentFiles(context, filesOf(step)),
  undo: async ({ target, folder }, step) => {
    for (const file of filesOf(step)) await restore(target, folder, file);
    return 'restored';
  },
  about: (step) => filesOf(step)[0]?.path ?? step.kind,
} as const satisfies Pick<Handler<Step>, 'current' | 'undo' | 'about'>;

/** A kept copy shares its bytes with the original, where it is a link: what writes into a file in place spoils both. */
export async function areKept(
  target: Target,
  folder: string,
  files: readonly TouchedFile[],
): Promise<boolean> {
  for (const { path, original, backup } of files) {
    if (original === null || backup === null || sameRecord(await recordFile(target, path), original))
      continue;
    if ((await recordFile(target, keptPath(folder, backup)))?.sha256 !== original.sha256) return false;
  }
  return true;
}
