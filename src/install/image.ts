import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { failure } from '../errors.ts';
import { buildInitramfs } from '../initramfs/build.ts';
import { modulesInInitramfs } from '../initramfs/module.ts';
import { proveInitramfs } from '../initramfs/prove.ts';
import type { InitramfsTool, StateFile } from '../initramfs/tools.ts';
import type { Target } from '../machine/port.ts';
import { recordFile } from '../machine/record.ts';
import type { Progress } from '../progress.ts';
import { keep } from './backup.ts';
import type { ImageRecord } from './manifest.ts';
import { generationFolder } from './state.ts';
import type { Step } from './step.ts';

/** An initramfs that holds the old module, and what builds it anew. */
export interface ImageToRebuild {
  readonly path: string;
  readonly tool: InitramfsTool;
}

export interface ImageContext {
  readonly generation: number;
  readonly release: string;
  /** Its name, and the file as it lies in the module tree. */
  readonly module: { readonly name: string; readonly file: Uint8Array };
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/** Where the old image stays, bootable, beside the new one. No tool takes this for an image of its own. */
export function fallbackPath(image: string, generation: number): string {
  return `${image}.mptfix-${generation}`;
}

/**
 * Keeps the old image under another name, builds the new one beside it, opens it and looks for the module, and only
 * then renames it into its place. Until that moment the guest boots as before.
 */
export function imageSteps(
  target: Target,
  { path, tool }: ImageToRebuild,
  context: ImageContext,
  told: (image: ImageRecord) => void,
): readonly Step[] {
  const fallback = fallbackPath(path, context.generation);
  const output = temporaryImage(path);
  let proof = '';
  return [
    {
      name: `keep ${path}`,
      touches: [{ path: fallback }],
      act: async () => {
        const original = await recordFile(target, path);
        if (original !== undefined) await keep(target, original, fallback);
      },
    },
    {
      name: `build ${path}`,
      touches: [],
      act: async () => {
        proof = await buildProven(target, path, output, tool, context);
      },
    },
    {
      name: `image ${path}`,
      touches: [
        { path, keptAs: fallback },
        ...tool.stateFiles(context.release).map((file) => ({ path: file.path })),
      ],
      becomes: async () => ({ [path]: await target.hash(output) }),
      act: async () => {
        const before = await target.hash(path);
        await target.rename(output, path);
        for (const file of tool.stateFiles(context.release)) await fitStateFile(target, file, path);
        told({ path, fallback, tool: tool.name, before, after: await target.hash(path), proof });
      },
    },
  ];
}

/** Builds to `output`, with the attributes of the image that it will replace. Answers the proof in words. */
export async function buildProven(
  target: Target,
  image: string,
  output: string,
  tool: InitramfsTool,
  { generation, release, module, progress, signal }: ImageContext,
): Promise<string> {
  const temporaryFolder = `${generationFolder(generation)}/tmp`;
  // What the old image has the new one must have, too: in a tree the guest's hardware cannot be seen.
  const before = await modulesInInitramfs(target, image, release, module.name, signal);
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
    const proof = await proveInitramfs(target, output, { release, ...module, before }, signal);
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
    `the new initramfs does not hold what it must: ${detail}`,
    `see what ${tool.byHand(release)} makes of the guest’s configuration; the old image is in its place`,
  );
}

/** The distro's own command keeps the image's checksum; where it does, it must be that of the new one. */
async function fitStateFile(target: Target, { path, content }: StateFile, image: string): Promise<void> {
  if ((await target.stat(path))?.type !== 'file') return;
  const { stdout } = await target.run(['sha1sum', '--', await target.hostPath(image)], { effect: 'read' });
  const sha1 = /^\\?([0-9a-f]{40})/.exec(stdout.toString('latin1'))?.[1];
  if (sha1 === undefined) throw new Error(`sha1sum gives nothing for ${image}`);
  await target.write(path, content({ path: image, sha1 }), { like: path });
}

/** A name that an undo knows for one of ours, and that no boot loader takes for an image. */
export function temporaryImage(image: string): string {
  return `${dirname(image)}/.${basename(image)}.mptfix-${randomBytes(6).toString('hex')}.tmp`;
}
