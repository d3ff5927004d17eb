import { indexedModule } from '../guest/module-file.ts';
import { sha256 } from '../hash.ts';
import type { Target } from '../machine/port.ts';
import { currentFiles, type Handler, type UndoContext } from '../transaction/handler.ts';
import { areKept, ofFiles } from '../transaction/originals.ts';
import type { StepOf } from '../transaction/steps.ts';
import { scratchFolder } from '../transaction/undo.ts';
import { type IndexJob, isAbandonedIndex, rebuildIndex } from './depmod.ts';
import { sameFile, wrong } from './outcome.ts';

type IndexStep = StepOf<'index'>;

/** Writes the new module, with mode, owner and attributes of the one that the package brought. */
export const moduleHandler: Handler<StepOf<'module'>> = {
  ...ofFiles,
  act: async ({ target }, { like, files: [{ path }] }, content) => {
    await target.write(path, needed(content), { like });
  },
  becomes: async (_, { files: [{ path }] }, content) => ({ [path]: sha256(needed(content)) }),
  words: ({ files: [{ path }] }) => `${path}: the new module`,
  undoWords: ({ files: [{ path }] }) => `${path}: as it was`,
};

function needed(content: Uint8Array | undefined): Uint8Array {
  if (content === undefined) throw new Error('no content for the module');
  return content;
}

/**
 * Enters the new module into the index; nothing continues where the kernel's tools would still take another one. An index
 * that was rebuilt since for another module's sake, or whose kept copy was spoilt, is rebuilt by its undo.
 */
export const indexHandler: Handler<IndexStep> = {
  ...ofFiles,
  act: async ({ target, folder }, step) => {
    await rebuildIndex(target, indexJob(folder, step));
    await requireIndexed(target, step);
  },
  undo: async (context, step) => {
    if (!(await mustBeRebuilt(context, step))) return ofFiles.undo(context, step);
    await rebuildIndex(context.target, indexJob(context.folder, step));
    return 'rebuilt';
  },
  words: ({ release }) => `the module index of ${release}: rebuilt`,
  undoWords: ({ release }) => `the module index of ${release}: as it was`,
  about: ({ release }) => `the module index of ${release}`,
  alwaysUndo: true,
  rank: 'index',
  isLeftover: isAbandonedIndex,
};

function indexJob(folder: string, { release, form }: IndexStep): IndexJob {
  return { release, form, scratch: scratchFolder(folder) };
}

async function mustBeRebuilt(context: UndoContext, { files }: IndexStep): Promise<boolean> {
  if (context.left.length > 0 || (await currentFiles(context, files)) === 'other') return true;
  return !(await areKept(context.target, context.folder, files));
}

async function requireIndexed(target: Target, { release, module, path }: IndexStep): Promise<void> {
  const indexed = await indexedModule(target, release, module);
  if (indexed !== undefined && (await sameFile(target, indexed, path))) return;
  throw wrong(`modules.dep gives ${indexed ?? 'nothing'} for ${module}, not ${path}`);
}
