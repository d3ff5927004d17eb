import type { Target } from '../target/port.ts';
import { isTemporaryName } from '../target/writes.ts';
import { isDepmodOutput, runDepmod } from './depmod.ts';
import type { FileRecord } from './record.ts';
import { recordFile, sameRecord } from './record.ts';
import type { Generation } from './state.ts';

/**
 * Puts every touched file back from the generation's originals: bytes, mode, owner, times, extended attributes. Safe
 * to run again after it was stopped anywhere.
 *
 * The module index may have been rebuilt since by somebody else, for an other module's sake; to put the old index
 * back would lose that module. It is then rebuilt instead.
 */
export async function undo(target: Target, generation: Generation): Promise<'restored' | 'index rebuilt'> {
  const { originals, manifest } = generation;
  const [module, ...index] = originals.files;
  if (module === undefined) throw new Error(`generation ${generation.number} names no file`);
  const foreign = manifest === undefined ? false : await indexChanged(target, generation, manifest.after);
  await restore(target, generation.folder, module);
  if (!foreign) for (const file of index) await restore(target, generation.folder, file);
  if (foreign) await runDepmod(target, originals.kernel);
  for (const { path, mtime } of originals.folders) {
    await removeLeftovers(target, path);
    const status = await target.stat(path);
    if (status !== undefined && status.mtime !== mtime) await target.setMtime(path, mtime);
  }
  return foreign ? 'index rebuilt' : 'restored';
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

async function indexChanged(
  target: Target,
  { originals, state }: Generation,
  after: readonly FileRecord[],
): Promise<boolean> {
  // An undo that was stopped has put some files back already: they are no longer as installed, and not foreign.
  const known = new Map(after.map((record) => [record.path, record.sha256]));
  for (const { path, original } of originals.files.slice(1)) {
    const now = (await recordFile(target, path))?.sha256;
    if (now === known.get(path)) continue;
    if (state === 'open' && now === original?.sha256) continue;
    return true;
  }
  return false;
}

async function restore(
  target: Target,
  folder: string,
  { path, original, backup }: Generation['originals']['files'][number],
): Promise<void> {
  const now = await recordFile(target, path);
  if (sameRecord(now, original ?? undefined)) return;
  if (original === null || backup === null) await target.remove(path);
  else await target.copy(`${folder}/originals/${backup}`, path);
}
