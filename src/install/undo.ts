import type { Target } from '../machine/port.ts';
import { recordFile, sameRecord } from '../machine/record.ts';
import { isTemporaryName } from '../machine/writes.ts';
import { takeEntryAway } from './boot-entry.ts';
import { isDepmodOutput, runDepmod } from './depmod.ts';
import type { TouchedFile } from './manifest.ts';
import type { Generation } from './state.ts';
import { keptPath } from './step.ts';
import { putBackImages } from './undo-image.ts';

/** What an undo came to. */
export interface Undone {
  readonly index: 'restored' | 'index rebuilt';
  readonly images: readonly { readonly path: string; readonly how: 'restored' | 'rebuilt' | 'left' }[];
  /** Files that somebody else has changed since: they were left as they are. */
  readonly left: readonly string[];
}

/**
 * Puts every touched file back from the generation's originals: bytes, mode, owner, times, extended attributes. Safe
 * to run again after it was stopped anywhere.
 *
 * What somebody else has changed since is not overwritten, unless by force: a module of a kernel update stays; a
 * module index that was rebuilt for another module's sake is rebuilt, as is an initramfs.
 */
export async function undo(target: Target, generation: Generation, force = false): Promise<Undone> {
  const { originals, journal } = generation;
  const begun = originals.files.filter(({ step }) => journal.begun.has(step));
  const index = begun.filter(({ step }) => step === 'index');
  const images = begun.filter(({ step }) => step.startsWith('image '));
  const others = begun.filter((file) => !index.includes(file) && !images.includes(file));
  const left: string[] = [];
  // The boot menu's entry first: it must never name an image that is gone.
  await putBackBootMenu(target, generation, others);
  for (const file of others.toReversed()) {
    if (file.step.startsWith('keep ') || file.step === 'boot-entry') continue;
    if ((await putBack(target, generation, file, force)) === 'left') left.push(file.path);
  }
  const isForeign =
    left.length > 0 ||
    (await indexChanged(target, generation, index)) ||
    !(await areKept(target, generation, index));
  if (isForeign) await runDepmod(target, originals.kernel);
  else for (const file of index) await restore(target, generation, file);
  const putBackAs = await putBackImages(target, generation, images, left.length === 0);
  // The kept images last: until here they are what an image is put back from.
  for (const file of others) if (file.step.startsWith('keep ')) await restore(target, generation, file);
  await target.removeTree(`${generation.folder}/tmp`);
  for (const folder of [generation.folder, `${generation.folder}/originals`])
    await removeLeftovers(target, folder);
  await putFoldersBack(target, generation, isForeign);
  return { index: isForeign ? 'index rebuilt' : 'restored', images: putBackAs, left };
}

async function putBackBootMenu(
  target: Target,
  generation: Generation,
  files: readonly TouchedFile[],
): Promise<void> {
  const menu = files.filter(({ step }) => step === 'boot-entry');
  const ours = await Promise.all(menu.map((file) => isOurs(target, generation, file)));
  for (const [at, file] of menu.entries()) if (ours[at]) await restore(target, generation, file);
  if (!ours.every(Boolean)) await takeEntryAway(target, generation.kernel, generation.number);
}

/** Whether a file is as it was before, or as the installation made it: then it may be put back. */
export async function isOurs(target: Target, { journal }: Generation, file: TouchedFile): Promise<boolean> {
  const now = (await recordFile(target, file.path))?.sha256;
  if (now === file.original?.sha256) return true;
  const known = journal.becomes.get(file.path);
  // A step that was stopped has left what nobody knows; it is its own.
  if (!journal.done.has(file.step) && (known === undefined || now === undefined)) return true;
  return now === undefined ? known === undefined : known?.has(now) === true;
}

async function putBack(
  target: Target,
  generation: Generation,
  file: TouchedFile,
  force: boolean,
): Promise<'restored' | 'left'> {
  if (!force && !(await isOurs(target, generation, file))) return 'left';
  await restore(target, generation, file);
  return 'restored';
}

async function indexChanged(
  target: Target,
  generation: Generation,
  index: readonly TouchedFile[],
): Promise<boolean> {
  for (const file of index) if (!(await isOurs(target, generation, file))) return true;
  return false;
}

/** A kept copy shares its bytes with the original, where it is a link: what writes into a file in place spoils both. */
async function areKept(
  target: Target,
  { number }: Generation,
  files: readonly TouchedFile[],
): Promise<boolean> {
  for (const { path, original, backup } of files) {
    if (original === null || backup === null || sameRecord(await recordFile(target, path), original))
      continue;
    if ((await recordFile(target, keptPath(number, backup)))?.sha256 !== original.sha256) return false;
  }
  return true;
}

export async function restore(
  target: Target,
  { number }: Generation,
  { path, original, backup }: TouchedFile,
): Promise<void> {
  const now = await recordFile(target, path);
  if (original === null || backup === null) {
    if (now !== undefined) await target.remove(path);
    return;
  }
  if (sameRecord(now, original)) return;
  const kept = keptPath(number, backup);
  if ((await recordFile(target, kept))?.sha256 !== original.sha256)
    throw new Error(`${kept}, the kept original of ${path}, is missing or was changed`);
  // A link needs no space: an undo must come to its end on a full disk, too.
  if (!(await target.hardLink(kept, path))) await target.copy(kept, path);
}

async function putFoldersBack(target: Target, { originals }: Generation, isForeign: boolean): Promise<void> {
  const made = originals.folders.filter(({ mtime }) => mtime === null);
  for (const { path } of made.toReversed()) {
    await removeLeftovers(target, path);
    const isEmpty = (await target.stat(path)) !== undefined && (await target.list(path)).length === 0;
    if (isEmpty) await target.removeTree(path);
  }
  for (const { path, mtime } of originals.folders) {
    if (mtime === null) continue;
    await removeLeftovers(target, path);
    const status = await target.stat(path);
    if (status !== undefined && status.mtime !== mtime && !isForeign) await target.setMtime(path, mtime);
  }
}

/** What a killed run, or a killed depmod, was writing when it was killed. */
async function removeLeftovers(target: Target, folder: string): Promise<void> {
  for (const name of await target.list(folder)) {
    const abandoned = isTemporaryName(name) || (await isAbandonedIndex(target, name));
    if (abandoned) await target.remove(`${folder}/${name}`);
  }
}

/** kmod writes `modules.dep.bin.PID.USEC.SEC` and renames it. Source: depmod_output() of kmod's tools/depmod.c. */
async function isAbandonedIndex(target: Target, name: string): Promise<boolean> {
  const match = /^(modules\.[a-z0-9.]*[a-z])\.\d+\.\d+\.\d+$/.exec(name);
  if (match === null || !isDepmodOutput(match[1] ?? '')) return false;
  // One that is still being written belongs to a depmod of somebody else. Its number says nothing: it may be that of
  // another PID namespace, as our own depmod's is.
  const openFiles = ['-mindepth', '3', '-maxdepth', '3', '-path', '/proc/[0-9]*/fd/*'] as const;
  const holder = ['find', '/proc', ...openFiles, '-lname', `*/${name}`, '-print', '-quit'] as const;
  return (await target.run(holder, { effect: 'read' })).stdout.length === 0;
}
