import type { ArtifactInfo } from '../artifact-info.ts';
import { type ErrorCode, failure, isFailure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { recordFile } from '../machine/record.ts';
import type { Progress } from '../progress.ts';
import { reason } from '../transaction/handler.ts';
import { touching } from '../transaction/originals.ts';
import { type Done, nextNumber, type Planned, perform } from '../transaction/perform.ts';
import { scratchFolder } from '../transaction/undo.ts';
import { bootEntrySteps } from './boot-entry.ts';
import { depmodOutputs } from './depmod.ts';
import { fallbackPath, type ImageToRebuild, imageSteps } from './image.ts';
import { type Indexing, indexingOf } from './indexing.ts';
import type { ImageRecord, Manifest } from './manifest.ts';
import { proveOutcome } from './outcome.ts';
import { placeOf } from './placement.ts';
import type { Placement } from './placements.ts';
import { installUser } from './user.ts';

/** What is to be installed, and where. */
export interface Installation {
  readonly kernel: Manifest['kernel'];
  /** Name and path of the module that is replaced, and what it was when the plan was made. */
  readonly module: { readonly name: string; readonly path: string; readonly sha256: string };
  /** The new file's content, compressed as the replaced one was. */
  readonly bytes: Uint8Array;
  readonly placement: Placement;
  /** Every initramfs of this kernel that holds the driver; empty with --no-initramfs. */
  readonly images: readonly ImageToRebuild[];
  /** `--boot-entry`: the boot menu shall offer the old images. */
  readonly bootEntry: boolean;
  readonly artifact: ArtifactInfo;
  readonly buildLog: string;
  readonly tool: string;
  readonly warnings: readonly string[];
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Keeps the originals, replaces the module, rebuilds index and initramfs, proves the outcome: each step under the
 * journal. Whatever fails on the way, everything is put back and the guest is as it was (E_INSTALL); E_INSTALL_UNDO
 * says what could not be put back.
 */
export async function install(target: Target, installation: Installation): Promise<Manifest> {
  const { module, kernel, buildLog, progress, signal } = installation;
  const before = await recordFile(target, module.path);
  if (before === undefined || before.sha256 !== module.sha256) {
    throw failure(
      'E_FILE_CHANGED',
      `${module.path} is no longer the file that was checked`,
      'another program has replaced it in the meantime: run the same command again',
    );
  }
  try {
    const planned = await planInstallation(target, installation);
    let manifest: Manifest | undefined;
    await perform(target, installUser, {
      kernel: kernel.release,
      planned: planned.steps,
      files: { 'build.log': buildLog },
      progress,
      signal,
      finish: async (done) => {
        manifest = await manifestOf(target, installation, { ...planned, before, done });
        const text = `${JSON.stringify(manifest, null, 2)}\n`;
        await target.write(`${done.folder}/manifest.json`, text, { mode: 0o600 });
      },
    });
    if (manifest === undefined) throw new Error('the installation was not finished');
    return manifest;
  } catch (error) {
    throw isFailure(error) && OWN_WORDS.has(error.failure.code) ? error : installFailure(error);
  }
}

/** Said as they are; whatever else ends an installation is one that failed and was put back. */
const OWN_WORDS: ReadonlySet<ErrorCode> = new Set([
  'E_INSTALL',
  'E_INSTALL_UNDO',
  'E_INITRAMFS',
  'E_BOOT_ENTRY',
  'E_INDEX',
  'E_STATE_UNSAFE',
  'E_DRY_RUN',
]);

/** The steps of an installation, and what is known of it before it begins. */
export interface PlannedInstallation {
  readonly steps: readonly Planned[];
  /** Where the new module goes. */
  readonly path: string;
  readonly indexing: Indexing;
  readonly entry: Manifest['bootEntry'];
}

/** Decides, reading only. Throws E_BOOT_ENTRY and E_INDEX. */
export async function planInstallation(
  target: Target,
  installation: Installation,
): Promise<PlannedInstallation> {
  const { kernel, module, images, bytes, placement } = installation;
  const { release } = kernel;
  const generation = await nextNumber(target, 'install');
  const { path, makes } = await placeOf(target, release, module.path, placement);
  const touch = touching(target);
  const steps: Planned[] = makes.map((folder) => ({ step: { kind: 'folder', path: folder } }));
  steps.push({ step: { kind: 'module', like: module.path, files: [await touch(path)] }, content: bytes });
  const indexing = await indexingOf(target, { release, ...module, bytes, placement });
  if (indexing.how === 'depmod') {
    const outputs = [];
    for (const output of depmodOutputs(release)) outputs.push(await touch(output));
    const { form } = indexing;
    steps.push({ step: { kind: 'index', release, module: module.name, path, form, files: outputs } });
  }
  const content = { release, name: module.name, file: bytes };
  for (const image of images) steps.push(...(await imageSteps(touch, image, content, generation)));
  const entry = await bootEntrySteps(target, touch, installation, generation);
  return { steps: [...steps, ...(entry?.planned ?? [])], path, indexing, entry: entry?.entry ?? null };
}

async function manifestOf(
  target: Target,
  { kernel, module, placement, artifact, tool, warnings }: Installation,
  run: PlannedInstallation & { readonly before: Manifest['module']['before']; readonly done: Done },
): Promise<Manifest> {
  const { path, before, done, indexing } = run;
  const after = done.results.flatMap((result) => result.after);
  const installed = after.find((record) => record.path === path);
  if (installed === undefined) throw new Error(`${path} was not written`);
  return {
    schema: 'mptfix.manifest/1',
    generation: done.number,
    created: new Date().toISOString(),
    tool,
    kernel,
    module: { name: module.name, path, before, after: installed },
    artifact,
    placement,
    images: imageRecords(run.steps, done),
    bootEntry: run.entry,
    outcome: [
      ...(indexing.how === 'unchanged' ? [indexing.why] : []),
      ...(await proveOutcome(target, {
        release: kernel.release,
        name: module.name,
        path,
        sha256: installed.sha256,
        placement,
        scratch: scratchFolder(done.folder),
      })),
    ],
    after,
    warnings,
  };
}

function imageRecords(steps: readonly Planned[], { number, results }: Done): ImageRecord[] {
  return steps.flatMap(({ step }, index) => {
    if (step.kind !== 'image') return [];
    const [{ path, original }] = step.files;
    const after = results[index]?.after.find((record) => record.path === path);
    // The step before it has built and proven the image.
    const proof = results[index - 1]?.seen[0] ?? '';
    const fallback = fallbackPath(path, number);
    const hashes = { before: original?.sha256 ?? '', after: after?.sha256 ?? '' };
    return [{ path, fallback, tool: step.tool, ...hashes, proof }];
  });
}

function installFailure(error: unknown): Error {
  return failure(
    'E_INSTALL',
    `the installation failed and everything was put back: ${reason(error)}`,
    isFailure(error) ? error.failure.next : 'remove the cause and run the same command again',
    { cause: error },
  );
}
