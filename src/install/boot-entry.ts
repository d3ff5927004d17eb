import type { FileEdit } from '../boot/entry.ts';
import { planBootEntry, removeBootEntryEdits } from '../boot/loaders.ts';
import { failure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { fallbackPath, type ImageToRebuild } from './image.ts';
import type { Step } from './step.ts';

export interface BootEntry {
  readonly loader: string;
  readonly title: string;
}

/**
 * The step that makes the boot menu offer the old image, for the first image that is rebuilt; undefined where none was
 * asked for. Throws E_BOOT_ENTRY where the boot loader is not known, or has no entry to derive it from.
 */
export async function bootEntryStep(
  target: Target,
  wanted: {
    readonly bootEntry: boolean;
    readonly images: readonly ImageToRebuild[];
    readonly kernel: { readonly release: string };
  },
  generation: number,
): Promise<{ readonly step: Step; readonly entry: BootEntry } | undefined> {
  const [image] = wanted.images;
  if (!wanted.bootEntry || image === undefined) return undefined;
  const { release } = wanted.kernel;
  const plan = await planBootEntry(target, {
    release,
    image: image.path,
    fallback: fallbackPath(image.path, generation),
    generation,
  });
  if (plan === undefined || plan.edits.length === 0) {
    throw failure(
      'E_BOOT_ENTRY',
      `no boot menu was found that boots ${image.path}${plan === undefined ? '' : `: ${plan.notes.join('; ')}`}`,
      `leave out --boot-entry: ${fallbackPath(image.path, generation)} is kept all the same, and can be named at the boot prompt`,
    );
  }
  const step: Step = {
    name: 'boot-entry',
    touches: plan.edits.map(({ path }) => ({ path })),
    act: () => writeEdits(target, plan.edits),
  };
  return { step, entry: { loader: plan.loader, title: plan.title } };
}

/** Writes what a plan of the boot room says; a file that is there keeps its mode, owner and attributes. */
export async function writeEdits(target: Target, edits: readonly FileEdit[]): Promise<void> {
  for (const { path, content, mode } of edits) {
    const isThere = (await target.stat(path))?.type === 'file';
    if (content === null && isThere) await target.remove(path);
    if (content !== null) await target.write(path, content, isThere ? { like: path } : { mode });
  }
}

/**
 * Takes the entry out of a menu that somebody has made anew since (update-grub): it must not name an image that is
 * about to go. What else they changed stays.
 */
export async function takeEntryAway(target: Target, release: string, generation: number): Promise<void> {
  await writeEdits(target, await removeBootEntryEdits(target, { release, generation }));
}
