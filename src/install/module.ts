import { isFailure } from '../errors.ts';
import { indexedModule } from '../guest/module-file.ts';
import { sha256 } from '../hash.ts';
import type { Target } from '../machine/port.ts';
import { currentFiles, type Handler, type UndoContext, type Undoing } from '../transaction/handler.ts';
import { areKept, ofFiles } from '../transaction/originals.ts';
import type { StepOf } from '../transaction/steps.ts';
import { scratchFolder } from '../transaction/undo.ts';
import { type IndexJob, isAbandonedIndex, rebuildIndex } from './depmod.ts';
import { readIndexAs, requireIndexTools } from './indexing.ts';
import { CANNOT_RUN, sameFile, wrong } from './outcome.ts';

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
    return rebuildAgain(context, step);
  },
  words: ({ release }) => `the module index of ${release}: rebuilt`,
  undoWords: ({ release }) => `the module index of ${release}: as it was`,
  about: ({ release }) => `the module index of ${release}`,
  alwaysUndo: true,
  rank: 'index',
  isLeftover: isAbandonedIndex,
};

/** Where the guest's own depmod does not run here, theirs stays, if the guest's modprobe finds the driver by it. */
async function rebuildAgain({ target, folder }: UndoContext, step: IndexStep): Promise<Undoing> {
  try {
    await rebuildIndex(target, indexJob(folder, step));
    return 'rebuilt';
  } catch (error) {
    if (!isFailure(error) || !CANNOT_RUN.has(error.failure.code)) throw error;
    const answer = await readIndexAs(
      await requireIndexTools(target, step.release),
      target,
      step.release,
      step.module,
    );
    if ('problem' in answer) throw error;
    return 'kept';
  }
}

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
