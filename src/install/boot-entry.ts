import type { FileEdit } from '../boot/entry.ts';
import { planBootEntry, removeBootEntryEdits } from '../boot/loaders.ts';
import { failure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { recordFile } from '../machine/record.ts';
import { type Handler, isOurs } from '../transaction/handler.ts';
import { ofFiles, restore, type Touch } from '../transaction/originals.ts';
import type { Planned } from '../transaction/perform.ts';
import type { StepOf } from '../transaction/steps.ts';
import { fallbackPath, type ImageToRebuild } from './image.ts';
import type { Manifest } from './manifest.ts';

/**
 * The steps that make the boot menu offer the old image, for the first image that is rebuilt; undefined where none was
 * asked for. Throws E_BOOT_ENTRY where the boot loader is not known, or has no entry to derive it from.
 */
export async function bootEntrySteps(
  target: Target,
  touch: Touch,
  {
    bootEntry,
    images: [image],
    kernel: { release },
  }: Pick<Manifest, 'kernel'> & { readonly bootEntry: boolean; readonly images: readonly ImageToRebuild[] },
  generation: number,
): Promise<{ readonly planned: readonly Planned[]; readonly entry: Manifest['bootEntry'] } | undefined> {
  if (!bootEntry || image === undefined) return undefined;
  const plan = await requireBootEntry(target, release, image.path, generation);
  const planned: Planned[] = [];
  for (const { path, content, mode } of plan.edits) {
    planned.push({
      step: {
        kind: 'boot-entry',
        release,
        generation,
        removes: content === null,
        mode,
        files: [await touch(path)],
      },
      content: content === null ? undefined : Buffer.from(content),
    });
  }
  return { planned, entry: { loader: plan.loader, title: plan.title } };
}

/** What the menu gets for an image. Reads only; throws E_BOOT_ENTRY. */
export async function requireBootEntry(
  target: Target,
  release: string,
  image: string,
  generation = 1,
): Promise<NonNullable<Awaited<ReturnType<typeof planBootEntry>>>> {
  const fallback = fallbackPath(image, generation);
  const plan = await planBootEntry(target, { release, image, fallback, generation });
  if (plan !== undefined && plan.edits.length > 0) return plan;
  throw failure(
    'E_BOOT_ENTRY',
    `no boot menu was found that boots ${image}${plan === undefined ? '' : `: ${plan.notes.join('; ')}`}`,
    `leave out --boot-entry: ${fallback} is kept anyway, and can be named at the boot prompt`,
  );
}

/** Its undo takes the entry out of a menu that somebody has rebuilt since (update-grub): what else they changed stays. */
export const bootEntryHandler: Handler<StepOf<'boot-entry'>> = {
  ...ofFiles,
  act: async ({ target }, { files: [{ path }], removes, mode }, content) => {
    await writeEdit(target, { path, content: removes ? null : (content ?? ''), mode });
  },
  undo: async (context, { files: [file], release, generation }) => {
    const { target, folder } = context;
    if (isOurs(context, file, (await recordFile(target, file.path))?.sha256)) {
      await restore(target, folder, file);
      return 'restored';
    }
    await takeEntryAway(target, release, generation);
    return 'rebuilt';
  },
  words: ({ files: [{ path }] }) => `${path}: the boot menu offers the old initramfs`,
  undoWords: ({ files: [{ path }] }) => `${path}: the boot menu as it was`,
  alwaysUndo: true,
  rank: 'menu',
};

/** Takes the entry out of the menu: it must not name an image that is about to go. */
export async function takeEntryAway(target: Target, release: string, generation: number): Promise<void> {
  for (const edit of await removeBootEntryEdits(target, { release, generation }))
    await writeEdit(target, edit);
}

/** Writes what a plan of the boot room says; a file that is there keeps its mode, owner and attributes. */
async function writeEdit(
  target: Target,
  { path, content, mode }: Omit<FileEdit, 'content'> & { readonly content: string | Uint8Array | null },
): Promise<void> {
  const isThere = (await target.stat(path))?.type === 'file';
  if (content === null && isThere) await target.remove(path);
  if (content !== null) await target.write(path, content, isThere ? { like: path } : { mode });
}
