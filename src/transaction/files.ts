import { sha256 } from '../hash.ts';
import { missingFolders } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { type FileRecord, recordFile } from '../machine/record.ts';
import { currentFiles, type Handler, type Handlers, type StepContext } from './handler.ts';
import { ofFiles } from './originals.ts';
import type { Planned } from './perform.ts';
import type { StepOf } from './steps.ts';

type FileStep = StepOf<'file'>;

/** What a file is to be. */
export interface DesiredFile {
  readonly path: string;
  /** Null: it is removed. */
  readonly content: Uint8Array | null;
  /** What that does, in words. */
  readonly what: string;
  /** Of a new file; one that is there keeps its own. */
  readonly mode: number;
}

/** The step that gives a file this content; none where it has it already. */
export async function planFile(target: Target, desired: DesiredFile): Promise<readonly Planned[]> {
  const original = await recordFile(target, desired.path);
  const after = desired.content === null ? undefined : sha256(desired.content);
  return original?.sha256 === after ? [] : [fileStep(original, desired)];
}

/** The same where it is known what file is there, or that there is none. */
export function fileStep(original: FileRecord | undefined, desired: DesiredFile): Planned<FileStep> {
  const { path, content, what, mode } = desired;
  // Unique, as a path is.
  const backup = original === undefined ? null : path.slice(1).replaceAll('/', '_');
  return {
    step: {
      kind: 'file',
      what,
      after: content === null ? null : sha256(content),
      mode: original === undefined ? mode : Number.parseInt(original.mode, 8),
      files: [{ path, original: original ?? null, backup }],
    },
    content: content ?? undefined,
  };
}

/** The steps for the folders that are missing down to this one, the topmost first. */
export async function planFolders(target: Target, folder: string): Promise<readonly Planned[]> {
  return (await missingFolders(target, folder)).map((path) => ({ step: { kind: 'folder', path } }));
}

/** The step that makes a symbolic link with this text, or with null removes it; none where it is so already. */
export async function planLink(
  target: Target,
  path: string,
  text: string | null,
): Promise<readonly Planned[]> {
  const before = (await target.readLink(path)) ?? null;
  return before === text ? [] : [{ step: { kind: 'link', path, before, after: text } }];
}

const file: Handler<FileStep> = {
  ...ofFiles,
  act: async ({ target }, { files: [{ path, original }], after, mode }, content) => {
    if (after === null) {
      await target.remove(path);
      return;
    }
    if (content === undefined) throw new Error(`no content for ${path}`);
    const owner = original === null ? { uid: 0, gid: 0 } : { uid: original.uid, gid: original.gid };
    // Who may not give files away owns what they write.
    const mine = process.geteuid?.() === 0 ? owner : {};
    await target.write(path, content, { mode, ...mine });
  },
  becomes: async (_, { files: [{ path }], after }) => (after === null ? {} : { [path]: after }),
  current: (context, step) => currentFiles(knowing(context, step), step.files),
  words: ({ files: [{ path, original }], after, what }) =>
    `${path}: ${original === null ? 'new' : after === null ? 'removed' : 'edited'}, ${what}`,
  undoWords: ({ files: [{ path, original }] }) => `${path}: ${original === null ? 'removed' : 'as it was'}`,
  isReadBack: true,
};

/** The record itself says what the step leaves; no line of the journal is needed for that. */
function knowing(context: StepContext, { files: [{ path }], after }: FileStep): StepContext {
  return {
    ...context,
    isDone: true,
    becomes: after === null ? new Map() : new Map([[path, new Set([after])]]),
  };
}

const folder: Handler<StepOf<'folder'>> = {
  act: async ({ target }, { path }) => {
    await target.mkdir(path, 0o755);
  },
  current: async ({ target }, { path }) => ((await target.stat(path)) === undefined ? 'before' : 'after'),
  undo: async ({ target }, { path }) => {
    // Somebody else may use it by now.
    if ((await target.list(path)).length === 0) await target.removeTree(path);
    return 'restored';
  },
  words: ({ path }) => `${path}: new folder`,
  undoWords: ({ path }) => `${path}: removed`,
  about: ({ path }) => path,
  isReadBack: true,
  rank: 'folder',
};

const link: Handler<StepOf<'link'>> = {
  act: async ({ target }, { path, after }) => {
    await putLink(target, path, after);
  },
  current: async ({ target }, { path, before, after }) => {
    const isThere = (await target.lstat(path)) !== undefined;
    const now = (await target.readLink(path)) ?? null;
    if (isThere && now === null) return 'other';
    if (now === before) return 'before';
    return now === after ? 'after' : 'other';
  },
  undo: async ({ target }, { path, before }) => {
    await putLink(target, path, before);
    return 'restored';
  },
  words: ({ path, after }) => (after === null ? `${path}: removed` : `${path}: new link to ${after}`),
  undoWords: ({ path, before }) => (before === null ? `${path}: removed` : `${path}: link to ${before}`),
  about: ({ path }) => path,
  isReadBack: true,
};

async function putLink(target: Target, path: string, text: string | null): Promise<void> {
  if (text !== null) await target.link(path, text);
  else if ((await target.lstat(path)) !== undefined) await target.remove(path);
}

/** The steps that every room may have. */
export const fileHandlers = { file, folder, link } as const satisfies Handlers<'file' | 'folder' | 'link'>;
