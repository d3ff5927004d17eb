import { isDeepStrictEqual } from 'node:util';
import { failure, isFailure } from '../errors.ts';
import { makeFolders } from '../target/folders.ts';
import { indexedModule } from '../target/module-index.ts';
import type { Target } from '../target/port.ts';
import { backUp } from './backup.ts';
import { depmodOutputs, runDepmod } from './depmod.ts';
import type { ArtifactInfo, Manifest } from './manifest.ts';
import { type FileRecord, recordFile } from './record.ts';
import {
  GENERATIONS_FOLDER,
  type Generation,
  generationFolder,
  generations,
  journal,
  STATE_FOLDER,
} from './state.ts';
import { undo } from './undo.ts';

/** What is to be installed, and where. */
export interface Installation {
  readonly kernel: Manifest['kernel'];
  /** Name and path of the module that is replaced, and what it was when the plan was made. */
  readonly module: { readonly name: string; readonly path: string; readonly sha256: string };
  /** The new file's content, compressed as the replaced one was. */
  readonly bytes: Uint8Array;
  readonly artifact: ArtifactInfo;
  readonly buildLog: string;
  readonly tool: string;
  readonly warnings: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * Backs up, replaces the module, rebuilds the index, verifies. Whatever fails on the way, everything is put back and
 * the guest is as it was (E_INSTALL); E_INSTALL_UNDO says what could not be put back.
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
  const made = await enterState(target);
  try {
    return await write(target, installation, number, before, known);
  } catch (error) {
    await takeBack(target, number, made, error);
    throw isFailure(error) ? error : installFailure(error);
  }
}

/** Makes the state's folders; remembers which, with the time of the folder that they are in. */
async function enterState(target: Target): Promise<() => Promise<void>> {
  const parent = await nearestFolder(target, STATE_FOLDER);
  const made = await makeFolders(target, GENERATIONS_FOLDER, 0o700);
  return async () => {
    for (const folder of made.toReversed()) await target.removeTree(folder);
    if (made.length > 0 && parent !== undefined) await target.setMtime(parent.path, parent.mtime);
  };
}

async function nearestFolder(
  target: Target,
  path: string,
): Promise<{ path: string; mtime: string } | undefined> {
  const parent = path.replace(/\/[^/]*$/, '') || '/';
  const status = await target.stat(parent);
  if (status !== undefined) return { path: parent, mtime: status.mtime };
  return parent === '/' ? undefined : nearestFolder(target, parent);
}

async function write(
  target: Target,
  installation: Installation,
  number: number,
  before: FileRecord,
  known: readonly Generation[],
): Promise<Manifest> {
  const { kernel, module, bytes, signal } = installation;
  const folder = generationFolder(number);
  await target.mkdir(folder, 0o700);
  await target.write(`${folder}/build.log`, installation.buildLog, { mode: 0o600 });
  await backUp(target, number, kernel.release, module.path);
  await journal(target, number, 'begin');
  signal?.throwIfAborted();

  await target.write(module.path, bytes, {
    mode: Number.parseInt(before.mode, 8),
    uid: before.uid,
    gid: before.gid,
  });
  await runDepmod(target, kernel.release);
  signal?.throwIfAborted();

  const after = await verify(target, installation);
  const manifest: Manifest = {
    schema: 'mptfix.manifest/1',
    generation: number,
    created: new Date().toISOString(),
    tool: installation.tool,
    kernel,
    module: { name: module.name, path: module.path, before, after },
    artifact: installation.artifact,
    after: [after, ...(await present(target, depmodOutputs(kernel.release)))],
    warnings: [...installation.warnings],
  };
  await target.write(`${folder}/manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  // One that a kernel update has overwritten is no state to go back to.
  for (const { number: older, state, kernel: release } of known) {
    if (state === 'installed' && release === kernel.release) await journal(target, older, 'replaced');
  }
  await journal(target, number, 'installed');
  return manifest;
}

async function present(target: Target, paths: readonly string[]): Promise<FileRecord[]> {
  const records = await Promise.all(paths.map((path) => recordFile(target, path)));
  return records.filter((record) => record !== undefined);
}

/** What the guest would now load under that name must be our file. */
async function verify(target: Target, { kernel, module, bytes }: Installation): Promise<FileRecord> {
  const after = await recordFile(target, module.path);
  const indexed = await indexedModule(target, kernel.release, module.name);
  const sameFile =
    indexed !== undefined && (await target.hostPath(indexed)) === (await target.hostPath(module.path));
  if (
    after !== undefined &&
    isDeepStrictEqual(await target.read(module.path), Buffer.from(bytes)) &&
    sameFile
  ) {
    return after;
  }
  throw failure(
    'E_INSTALL',
    `after the installation modules.dep gives ${indexed ?? 'nothing'} for ${module.name}, not ${module.path}`,
    'an other copy of the module stands in the way (updates/, extra/, weak-updates/): remove it, or make its package do so',
  );
}

async function takeBack(
  target: Target,
  number: number,
  leave: () => Promise<void>,
  cause: unknown,
): Promise<void> {
  try {
    const mine = (await generations(target)).find((generation) => generation.number === number);
    if (mine !== undefined) await undo(target, mine);
    await target.removeTree(generationFolder(number));
    await leave();
  } catch (error) {
    throw failure(
      'E_INSTALL_UNDO',
      `the installation failed (${message(cause)}), and so did putting things back (${message(error)})`,
      `the originals are in ${generationFolder(number)}/originals; run mptfix rollback as soon as the cause is gone, before a reboot`,
      { cause: error },
    );
  }
}

function installFailure(error: unknown): Error {
  return failure(
    'E_INSTALL',
    `the installation failed and everything was put back: ${message(error)}`,
    'remove the cause and run mptfix again',
    { cause: error },
  );
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
