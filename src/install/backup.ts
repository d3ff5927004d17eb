import { basename } from 'node:path';
import type { Target } from '../machine/port.ts';
import { type FileRecord, recordFile } from '../machine/record.ts';
import type { Originals, TouchedFile } from './manifest.ts';
import { generationFolder } from './state.ts';
import { foldersOf, keptPath, type Step } from './step.ts';

/**
 * Keeps every file that the steps may touch in the generation, and only then writes `originals.json`: when that is
 * there, all of it can be undone; while it is not, nothing was changed.
 */
export async function backUp(
  target: Target,
  generation: number,
  release: string,
  steps: readonly Step[],
): Promise<Originals> {
  const folder = generationFolder(generation);
  await target.mkdir(`${folder}/originals`, 0o700);
  const files: TouchedFile[] = [];
  const names = new Set<string>();
  for (const step of steps) {
    for (const { path, keptAs } of step.touches) {
      const original = await recordFile(target, path);
      const backup = original === undefined ? null : (keptAs ?? unusedName(names, path));
      if (original !== undefined && backup !== null && keptAs === undefined)
        await keep(target, original, keptPath(generation, backup));
      files.push({ path, original: original ?? null, backup, step: step.name });
    }
  }
  const { changed, made } = foldersOf(steps);
  const originals: Originals = {
    schema: 'mptfix.originals/1',
    generation,
    kernel: release,
    files,
    folders: [
      ...(await Promise.all(
        changed.map(async (path) => ({ path, mtime: (await target.stat(path))?.mtime ?? null })),
      )),
      ...made.map((path) => ({ path, mtime: null })),
    ],
  };
  await target.write(`${folder}/originals.json`, `${JSON.stringify(originals, null, 2)}\n`, { mode: 0o600 });
  return originals;
}

/** Two files of one name (grub.cfg and a drop-in's) must not share a place. */
function unusedName(names: Set<string>, path: string): string {
  const name = basename(path);
  let unused = name;
  for (let number = 2; names.has(unused); number += 1) unused = `${name}.${number}`;
  names.add(unused);
  return unused;
}

/**
 * As a hard link where the file system can: no space is needed, neither now nor when it is put back, and every
 * attribute is the original's own. Whatever replaces the original does so by rename. Else as a copy.
 */
export async function keep(target: Target, original: FileRecord, place: string): Promise<void> {
  if (!(await target.hardLink(original.path, place))) await target.copy(original.path, place);
  // A copy that is not the original would be found out only when it is needed.
  const kept = await target.hash(place);
  if (kept !== original.sha256) throw new Error(`the backup of ${original.path} differs from it`);
}
