import { buildIdOfNotes } from '../elf/module-data.ts';
import type { Target } from '../machine/port.ts';
import type { LoadedModule } from './document.ts';

/**
 * The kernel shows the build-id of a loaded module in its notes, and the srcversion where the module was built with
 * one; null where the guest does not run this kernel, or has not loaded the module.
 */
export async function loadedModule(
  target: Target,
  running: boolean | null,
  module:
    | { readonly name: string; readonly srcversion: string | null; readonly buildId: string | null }
    | undefined,
): Promise<LoadedModule | null> {
  if (running !== true || module === undefined) return null;
  const folder = `/sys/module/${module.name}`;
  if ((await target.stat(folder)) === undefined) return null;
  const srcversion = (await target.readText(`${folder}/srcversion`))?.trim() ?? null;
  const buildId = await loadedBuildId(target, folder);
  return { srcversion, buildId, sameAsDisk: compare({ srcversion, buildId }, module) };
}

/** A build-id is of the very code; a srcversion only of its source, which a patch changes, too. */
function compare(
  loaded: { readonly srcversion: string | null; readonly buildId: string | null },
  disk: { readonly srcversion: string | null; readonly buildId: string | null },
): boolean | null {
  if (loaded.buildId !== null && disk.buildId !== null) return loaded.buildId === disk.buildId;
  if (loaded.srcversion !== null && disk.srcversion !== null) return loaded.srcversion === disk.srcversion;
  return null;
}

async function loadedBuildId(target: Target, folder: string): Promise<string | null> {
  try {
    const notes = await target.read(`${folder}/notes/.note.gnu.build-id`);
    // The machine that this runs on: all that Node runs on is little-endian but s390x, which has no such adapter.
    return buildIdOfNotes(notes, { littleEndian: true, class: 64 }) ?? null;
  } catch {
    // Kernels before 2.6.23 do not show notes.
    return null;
  }
}
