import type { ArtifactInfo } from '../artifact-info.ts';
import { type ErrorCode, failure, isFailure } from '../errors.ts';
import type { Target } from '../machine/port.ts';
import { type FileRecord, recordFile } from '../machine/record.ts';
import type { Progress } from '../progress.ts';
import { backUp } from './backup.ts';
import { type BootEntry, bootEntryStep } from './boot-entry.ts';
import { type ImageToRebuild, imageSteps } from './image.ts';
import type { ImageRecord, Manifest } from './manifest.ts';
import { indexStep, moduleStep } from './module-steps.ts';
import { proveOutcome } from './outcome.ts';
import { placeOf } from './placement.ts';
import type { Placement } from './placements.ts';
import { enterState, generationFolder, generations, journal } from './state.ts';
import { carryOut, type Step } from './step.ts';
import { takeBack } from './take-back.ts';

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
  readonly signal?: AbortSignal;
}

/**
 * Keeps the originals, replaces the module, rebuilds index and initramfs, proves the outcome: each step under the
 * journal. Whatever fails on the way, everything is put back and the guest is as it was (E_INSTALL); E_INSTALL_UNDO
 * says what could not be put back.
 */
export async function install(target: Target, installation: Installation): Promise<Manifest> {
  const before = await recordFile(target, installation.module.path);
  if (before === undefined || before.sha256 !== installation.module.sha256) {
    throw failure(
      'E_FILE_CHANGED',
      `${installation.module.path} is no longer the file that was checked`,
      'another program has replaced it meanwhile: run mptfix again',
    );
  }
  const known = await generations(target);
  const number = (known.at(-1)?.number ?? 0) + 1;
  try {
    const leave = await enterState(target);
    try {
      return await write(target, installation, number, before);
    } catch (error) {
      await takeBack(target, number, leave, error);
      throw error;
    }
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
  'E_STATE_UNSAFE',
  'E_DRY_RUN',
]);

/** What the steps find out, for the manifest. */
interface Found {
  readonly images: ImageRecord[];
  bootEntry: BootEntry | null;
}

async function write(
  target: Target,
  installation: Installation,
  number: number,
  before: FileRecord,
): Promise<Manifest> {
  const { kernel, module, placement, signal, progress } = installation;
  const folder = generationFolder(number);
  await target.mkdir(folder, 0o700);
  await target.write(`${folder}/build.log`, installation.buildLog, { mode: 0o600 });
  const place = await placeOf(target, kernel.release, module.path, placement);
  const found: Found = { images: [], bootEntry: null };
  const steps = await stepsOf(target, installation, number, place, found);
  const originals = await backUp(target, number, kernel.release, steps);
  await journal(target, number, 'begin');

  const after: FileRecord[] = [];
  for (const step of steps) {
    signal?.throwIfAborted();
    progress.note(step.name);
    after.push(...(await carryOut(target, number, step, originals)));
  }
  signal?.throwIfAborted();

  const installed = after.find(({ path }) => path === place.path);
  if (installed === undefined) throw new Error(`${place.path} was not written`);
  const manifest: Manifest = {
    schema: 'mptfix.manifest/1',
    generation: number,
    created: new Date().toISOString(),
    tool: installation.tool,
    kernel,
    module: { name: module.name, path: place.path, before, after: installed },
    artifact: installation.artifact,
    placement,
    images: found.images,
    bootEntry: found.bootEntry,
    outcome: [
      ...(await proveOutcome(target, {
        release: kernel.release,
        name: module.name,
        path: place.path,
        sha256: installed.sha256,
        placement,
      })),
    ],
    after,
    warnings: [...installation.warnings],
  };
  await target.write(`${folder}/manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  await journal(target, number, 'installed');
  return manifest;
}

async function stepsOf(
  target: Target,
  installation: Installation,
  generation: number,
  place: Awaited<ReturnType<typeof placeOf>>,
  found: Found,
): Promise<readonly Step[]> {
  const { kernel, module, images, progress, signal } = installation;
  const { release } = kernel;
  const context = {
    generation,
    release,
    module: { name: module.name, file: installation.bytes },
    progress,
    ...(signal === undefined ? {} : { signal }),
  };
  const told = (image: ImageRecord): void => void found.images.push(image);
  const entry = await bootEntryStep(target, installation, generation);
  found.bootEntry = entry?.entry ?? null;
  return [
    moduleStep(target, place, module.path, installation.bytes),
    indexStep(target, release, module.name, place.path),
    ...images.flatMap((image) => imageSteps(target, image, context, told)),
    ...(entry === undefined ? [] : [entry.step]),
  ];
}

function installFailure(error: unknown): Error {
  return failure(
    'E_INSTALL',
    `the installation failed and everything was put back: ${error instanceof Error ? error.message : String(error)}`,
    isFailure(error) ? error.failure.next : 'remove the cause and run mptfix again',
    { cause: error },
  );
}
