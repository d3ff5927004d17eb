import { dirname } from 'node:path';
import type { Target } from '../target/port.ts';
import { depmodOutputs } from './depmod.ts';
import type { Originals, TouchedFile } from './manifest.ts';
import { recordFile } from './record.ts';
import { generationFolder } from './state.ts';

/**
 * Copies every file that the installation may touch into the generation, and only then writes `originals.json`: when
 * that is there, all of it can be undone; while it is not, nothing was changed.
 */
export async function backUp(
  target: Target,
  generation: number,
  release: string,
  module: string,
): Promise<Originals> {
  const folder = generationFolder(generation);
  await target.mkdir(`${folder}/originals`, 0o700);
  const files: TouchedFile[] = [];
  for (const path of [module, ...depmodOutputs(release)]) {
    const original = await recordFile(target, path);
    const backup = original === undefined ? null : path.replace(/^.*\//, '');
    if (backup !== null) await target.copy(path, `${folder}/originals/${backup}`);
    files.push({ path, original: original ?? null, backup });
  }
  const folders = [...new Set(files.map(({ path }) => dirname(path)))];
  const originals: Originals = {
    schema: 'mptfix.originals/1',
    generation,
    kernel: release,
    files,
    folders: await Promise.all(
      folders.map(async (path) => ({ path, mtime: (await target.stat(path))?.mtime ?? '0.000000000' })),
    ),
  };
  await verifyBackups(target, folder, files);
  await target.write(`${folder}/originals.json`, `${JSON.stringify(originals, null, 2)}\n`, { mode: 0o600 });
  return originals;
}

/** A copy that is not the original would be found out only when it is needed. */
async function verifyBackups(target: Target, folder: string, files: readonly TouchedFile[]): Promise<void> {
  for (const { path, original, backup } of files) {
    if (original === null || backup === null) continue;
    const copied = await target.hash(`${folder}/originals/${backup}`);
    if (copied !== original.sha256) throw new Error(`the backup of ${path} differs from it`);
  }
}
