import { basename } from 'node:path';
import { failure } from '../errors.ts';
import { indexedModule } from '../guest/module-file.ts';
import { proveInitramfs } from '../initramfs/prove.ts';
import { initramfsImages } from '../initramfs/tools.ts';
import type { Target } from '../machine/port.ts';
import { recordFile, sameRecord } from '../machine/record.ts';
import { silentProgress } from '../progress.ts';
import { buildProven, temporaryImage } from './image.ts';
import type { TouchedFile } from './manifest.ts';
import type { Generation } from './state.ts';
import { keptPath } from './step.ts';
import { isOurs, restore, type Undone } from './undo.ts';

type PutBack = Undone['images'][number];

/**
 * Puts each image back from its kept copy. One that somebody has built anew since (an update of another package) is
 * not lost: it is built once more, now with the module that is on the disk again.
 */
export async function putBackImages(
  target: Target,
  generation: Generation,
  files: readonly TouchedFile[],
  isModuleBack: boolean,
): Promise<readonly PutBack[]> {
  const done: PutBack[] = [];
  for (const file of files) {
    const isImage = file.step === `image ${file.path}`;
    if (isImage)
      done.push({ path: file.path, how: await putBackImage(target, generation, file, isModuleBack) });
    else if (await isOurs(target, generation, file)) await restore(target, generation, file);
  }
  return done;
}

async function putBackImage(
  target: Target,
  generation: Generation,
  file: TouchedFile,
  isModuleBack: boolean,
): Promise<PutBack['how']> {
  const now = await recordFile(target, file.path);
  if (sameRecord(now, file.original ?? undefined)) return 'restored';
  // The old image has the old module: where somebody else's stands on the disk, a boot must load that.
  if (!isModuleBack) return rebuild(target, generation, file.path);
  const kept = await keptImage(target, generation, file);
  if (kept !== undefined && (await isOurs(target, generation, file))) {
    await restore(target, generation, { ...file, backup: kept });
    return 'restored';
  }
  return rebuild(target, generation, file.path);
}

/** The fallback in /boot, or, where that was pruned, its copy in the generation. */
async function keptImage(
  target: Target,
  { number }: Generation,
  { path, original, backup }: TouchedFile,
): Promise<string | undefined> {
  const places = [backup, basename(path)].filter((place) => place !== null);
  for (const place of places) {
    const kept = keptPath(number, place);
    if ((await target.stat(kept))?.type === 'file' && (await target.hash(kept)) === original?.sha256)
      return kept;
  }
  return undefined;
}

async function rebuild(target: Target, generation: Generation, path: string): Promise<PutBack['how']> {
  const { kernel: release, originals, number } = generation;
  const shipped = originals.files.find(({ step }) => step === 'module')?.path ?? '';
  const name = basename(shipped).replace(/\..*$/, '');
  const module = await indexedModule(target, release, name);
  if (module === undefined) throw new Error(`the index of ${release} names no ${name}`);
  const file = await target.read(module);
  if ((await proveInitramfs(target, path, { release, name, file })).ok) return 'left';
  const { images } = await initramfsImages(target, release);
  const image = images.find((candidate) => candidate.path === path);
  if (image?.tool === undefined) {
    throw failure(
      'E_INITRAMFS_TOOL',
      `${path} was built anew since by somebody else, and nothing on the guest builds it again`,
      `build it with the guest’s own tool, so that it holds the original ${name}`,
    );
  }
  const output = temporaryImage(path);
  const context = { generation: number, release, module: { name, file }, progress: silentProgress };
  await buildProven(target, path, output, image.tool, context);
  await target.rename(output, path);
  return 'rebuilt';
}
