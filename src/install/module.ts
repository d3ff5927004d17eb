import { failure } from '../errors.ts';
import { indexedModule } from '../guest/module-file.ts';
import { sha256 } from '../hash.ts';
import type { Target } from '../machine/port.ts';
import { currentFiles, type Handler, type UndoContext } from '../transaction/handler.ts';
import { areKept, restore } from '../transaction/originals.ts';
import type { StepOf } from '../transaction/steps.ts';
import { isAbandonedIndex, runDepmod } from './depmod.ts';

type IndexStep = StepOf<'index'>;

/** Writes the new module, with mode, owner and attributes of the one that the package brought. */
export const moduleHandler: Handler<StepOf<'module'>> = {
  act: async ({ target }, { like, files: [{ path }] }, content) => {
    await target.write(path, needed(content), { like });
  },
  becomes: async (_, { files: [{ path }] }, content) => ({ [path]: sha256(needed(content)) }),
  current: (context, { files }) => currentFiles(context, files),
  undo: async ({ target, folder }, { files: [file] }) => {
    await restore(target, folder, file);
    return 'restored';
  },
  words: ({ files: [{ path }] }) => `${path}: the new module`,
  undoWords: ({ files: [{ path }] }) => `${path}: as it was`,
  about: ({ files: [{ path }] }) => path,
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
  act: async ({ target }, step) => {
    await runDepmod(target, step.release);
    await requireIndexed(target, step);
  },
  current: (context, { files }) => currentFiles(context, files),
  undo: async (context, step) => {
    const { target, folder } = context;
    if (await mustBeRebuilt(context, step)) {
      await runDepmod(target, step.release);
      return 'rebuilt';
    }
    for (const file of step.files) await restore(target, folder, file);
    return 'restored';
  },
  words: ({ release }) => `the module index of ${release}: rebuilt`,
  undoWords: ({ release }) => `the module index of ${release}: as it was`,
  about: ({ release }) => `the module index of ${release}`,
  alwaysUndo: true,
  rank: 'index',
  isLeftover: isAbandonedIndex,
};

async function mustBeRebuilt(context: UndoContext, { files }: IndexStep): Promise<boolean> {
  if (context.left.length > 0 || (await currentFiles(context, files)) === 'other') return true;
  return !(await areKept(context.target, context.folder, files));
}

async function requireIndexed(target: Target, { release, module, path }: IndexStep): Promise<void> {
  const indexed = await indexedModule(target, release, module);
  const isOurs = indexed !== undefined && (await target.hostPath(indexed)) === (await target.hostPath(path));
  if (isOurs) return;
  throw failure(
    'E_INSTALL',
    `after the installation modules.dep gives ${indexed ?? 'nothing'} for ${module}, not ${path}`,
    'another copy of the module takes precedence (updates/, extra/, weak-updates/): remove it or its package',
  );
}
