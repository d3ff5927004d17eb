import { createHash, randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { failure } from '../errors.ts';
import { indexedModule } from '../guest/module-file.ts';
import { buildInitramfs } from '../initramfs/build.ts';
import { modulesInInitramfs, proveInitramfs } from '../initramfs/module.ts';
import { INITRAMFS_TOOLS, type InitramfsTool, initramfsImages, type StateFile } from '../initramfs/tools.ts';
import { LIMITS } from '../limits.ts';
import type { Target } from '../machine/port.ts';
import { recordFile, sameRecord } from '../machine/record.ts';
import { silentProgress } from '../progress.ts';
import {
  type ActContext,
  type Handler,
  isOurs,
  type UndoContext,
  type Undoing,
} from '../transaction/handler.ts';
import { keep, keptPath, ofFiles, restore, type Touch } from '../transaction/originals.ts';
import type { Planned } from '../transaction/perform.ts';
import type { StepOf, TouchedFile } from '../transaction/steps.ts';
import { scratchFolder } from '../transaction/undo.ts';
import { typedForGuest } from '../typed.ts';

type ImageStep = StepOf<'image'>;

/** An initramfs that holds the old module, and what rebuilds it. */
export interface ImageToRebuild {
  readonly path: string;
  readonly tool: InitramfsTool;
}

/** Where the old image stays, bootable, beside the new one. No tool takes this for an image of its own. */
export function fallbackPath(image: string, generation: number): string {
  return `${image}.mptfix-${generation}`;
}

/** Name, release and content of a module, as it lies in the module tree. */
export interface ModuleContent {
  readonly release: string;
  readonly name: string;
  readonly file: Uint8Array;
}

/**
 * Keeps the old image under another name, builds the new one beside it, opens it and looks for the module, and only
 * then renames it into its place. Until that moment the guest boots as before.
 */
export async function imageSteps(
  touch: Touch,
  { path, tool }: ImageToRebuild,
  { release, name, file }: ModuleContent,
  generation: number,
): Promise<readonly Planned[]> {
  const fallback = fallbackPath(path, generation);
  const output = temporaryImage(path);
  const common = { release, module: name, tool: tool.name, output };
  const state = await Promise.all(tool.stateFiles(release).map((one) => touch(one.path)));
  return [
    { step: { kind: 'kept-image', image: path, files: [await touch(fallback)] } },
    { step: { kind: 'image-build', image: path, ...common }, content: file },
    { step: { kind: 'image', ...common, files: [await touch(path, fallback), ...state] } },
  ];
}

/** Its undo removes the kept image: until then it is what an image is put back from. */
export const keptImageHandler: Handler<StepOf<'kept-image'>> = {
  ...ofFiles,
  act: async ({ target }, { image, files: [{ path }] }) => {
    const original = await recordFile(target, image);
    if (original !== undefined) await keep(target, original, path);
  },
  words: ({ files: [{ path }] }) => `${path}: the old initramfs, kept`,
  undoWords: ({ files: [{ path }] }) => `${path}: removed`,
  alwaysUndo: true,
  rank: 'kept-image',
};

/** Builds the new image beside the old one, and tells the proof in words. */
export const imageBuildHandler: Handler<StepOf<'image-build'>> = {
  act: async (context, { image, output, release, module, tool }, content) => {
    if (content === undefined) throw new Error(`no module for ${image}`);
    const work = { image, output, tool: toolNamed(tool), module: { release, name: module, file: content } };
    context.seen(await buildProven(context, work));
  },
  // What is left of it is a temporary file, that goes as all of them do.
  current: async () => 'before',
  undo: async () => 'restored',
  words: ({ image }) => `${image}: built again beside the old one`,
  undoWords: ({ image }) => `${image}: nothing was replaced yet`,
  about: ({ output }) => output,
};

/**
 * Puts the new image into its place. Its undo puts the old one back from its kept copy; one that somebody has rebuilt
 * since (an update of another package) is not lost: it is built once more, now with the module that is on the disk again.
 */
export const imageHandler: Handler<ImageStep> = {
  ...ofFiles,
  act: async ({ target }, { files: [{ path }], output, tool, release }) => {
    await target.rename(output, path);
    for (const file of toolNamed(tool).stateFiles(release)) await fitStateFile(target, file, path);
  },
  becomes: async ({ target }, { files: [{ path }], output }) => ({
    [path]: await target.hash(output, LIMITS.imageBytes),
  }),
  undo: async (context, step) => {
    const [image, ...state] = step.files;
    const how = await putImageBack(context, step, image);
    for (const file of state) {
      const now = (await recordFile(context.target, file.path))?.sha256;
      if (isOurs(context, file, now)) await restore(context.target, context.folder, file);
    }
    return how;
  },
  words: ({ files: [{ path }] }) => `${path}: the new initramfs, in the old one’s place`,
  undoWords: ({ files: [{ path }] }) => `${path}: as it was`,
  alwaysUndo: true,
  rank: 'image',
};

interface Build {
  readonly image: string;
  readonly output: string;
  readonly tool: InitramfsTool;
  readonly module: ModuleContent;
}

/** Builds to `output`, with the attributes of the image that it will replace. Answers the proof in words. */
async function buildProven(
  context: Omit<ActContext, 'seen'>,
  { image, output, tool, module }: Build,
): Promise<string> {
  const { target, progress, signal } = context;
  const { release, name } = module;
  const temporaryFolder = scratchFolder(context.folder);
  // What the old image has the new one must have, too: in a tree the guest's hardware cannot be seen.
  const before = await modulesInInitramfs(target, image, release, name, signal);
  await target.removeTree(temporaryFolder);
  await target.mkdir(temporaryFolder, 0o700);
  try {
    progress.note(`${tool.name} builds ${image}`);
    await buildInitramfs(target, {
      release,
      tool,
      output,
      temporaryFolder,
      modules: before.names,
      onLine: (line) => progress.note(line),
      ...(signal === undefined ? {} : { signal }),
    });
    const proof = await proveInitramfs(target, output, { ...module, before }, signal);
    if (!proof.ok) throw notProven(proof.detail, tool, release);
    await target.copyAttributes(image, output);
    await target.sync(output);
    return proof.detail;
  } catch (error) {
    if ((await target.lstat(output)) !== undefined) await target.remove(output);
    throw error;
  } finally {
    await target.removeTree(temporaryFolder);
  }
}

function notProven(detail: string, tool: InitramfsTool, release: string): Error {
  return failure(
    'E_INITRAMFS',
    `the new initramfs lacks something: ${detail}`,
    `see that the guest names the driver for its images (${tool.listedIn}), and what ${typedForGuest(tool.byHand(release))} says; the old image is still in place`,
  );
}

/** The distro's own command keeps the image's checksum; where it does, it must be that of the new one. */
async function fitStateFile(target: Target, { path, content }: StateFile, image: string): Promise<void> {
  if ((await target.stat(path))?.type !== 'file') return;
  const digest = createHash('sha1');
  for await (const chunk of target.readChunks(image, LIMITS.imageBytes)) digest.update(chunk);
  await target.write(path, content({ path: image, sha1: digest.digest('hex') }), { like: path });
}

/** A name that an undo knows for one of ours, and that no boot loader takes for an image. */
function temporaryImage(image: string): string {
  return `${dirname(image)}/.${basename(image)}.mptfix-${randomBytes(6).toString('hex')}.tmp`;
}

function toolNamed(name: string): InitramfsTool {
  const tool = INITRAMFS_TOOLS.find((one) => one.name === name);
  if (tool === undefined) throw new Error(`no initramfs tool is called ${name}`);
  return tool;
}

async function putImageBack(context: UndoContext, step: ImageStep, image: TouchedFile): Promise<Undoing> {
  const { target, folder } = context;
  const now = await recordFile(target, image.path);
  if (sameRecord(now, image.original ?? undefined)) return 'restored';
  // The old image has the old module: where somebody else's is on the disk, a boot must load that.
  if (context.left.length > 0) return rebuild(context, step, image.path);
  const backup = await keptImage(context, image);
  if (backup === undefined || !isOurs(context, image, now?.sha256)) return rebuild(context, step, image.path);
  await restore(target, folder, { ...image, backup });
  return 'restored';
}

/** The fallback in /boot, or, where that was pruned, its copy among the originals. */
async function keptImage(
  { target, folder }: UndoContext,
  { path, original, backup }: TouchedFile,
): Promise<string | undefined> {
  for (const place of [backup, basename(path)]) {
    if (place === null) continue;
    const kept = keptPath(folder, place);
    if (
      (await target.stat(kept))?.type === 'file' &&
      (await target.hash(kept, LIMITS.imageBytes)) === original?.sha256
    )
      return kept;
  }
  return undefined;
}

async function rebuild(context: UndoContext, step: ImageStep, image: string): Promise<Undoing> {
  const { target, folder } = context;
  const { release, module: name } = step;
  const path = await indexedModule(target, release, name);
  if (path === undefined) throw new Error(`the index of ${release} names no ${name}`);
  const module = { release, name, file: await target.read(path, LIMITS.moduleBytes) };
  if ((await proveInitramfs(target, image, module)).ok) return 'kept';
  const { images } = await initramfsImages(target, release);
  const tool = images.find((candidate) => candidate.path === image)?.tool;
  if (tool === undefined) {
    throw failure(
      'E_INITRAMFS_TOOL',
      `${image} was rebuilt since by somebody else, and nothing on the guest rebuilds it`,
      `rebuild it with the guest’s own tool, so that it holds the original ${name}`,
    );
  }
  const output = temporaryImage(image);
  await buildProven({ target, folder, progress: silentProgress }, { image, output, tool, module });
  await target.rename(output, image);
  return 'rebuilt';
}
