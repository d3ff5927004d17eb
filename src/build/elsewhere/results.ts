import { join } from 'node:path';
import { failure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { requireTools, TOOLS } from '../../machine/tools.ts';
import type { Workspace } from '../../work/workspace.ts';
import { buildFolder, readBuilt } from '../build-sandbox.ts';
import { buildFailed, type Compiled, layOut } from '../compile.ts';
import { MODULE_LABEL } from '../order.ts';
import type { Builds, ReportedCompiler } from '../running-builds.ts';
import { compilerAnswer } from '../toolchain/prove-compiler.ts';
import type { ImageJob } from './job-folder.ts';

type Reader = Pick<Workspace, 'machine' | 'user' | 'userFolder' | 'keepLog'>;

/**
 * Reads what compile.sh has left. Nothing in it is trusted: it must name the job, the modules go through strip in a
 * sandbox, and the proofs judge them as any other build.
 * Throws E_RESULTS where the folder is not whole or of another job, E_TOOLS_MISSING where the image has no make or compiler,
 * E_BUILD with the log where make failed.
 */
export async function readResults(
  workspace: Reader,
  job: ImageJob,
  folder: string,
  named = '',
): Promise<Builds> {
  const text = async (name: string): Promise<string | undefined> => {
    const path = join(folder, name);
    if ((await workspace.machine.lstat(path))?.type !== 'file') return undefined;
    return workspace.machine.readText(path, LIMITS.indexBytes);
  };
  const id = (await text('id'))?.trim();
  if (id !== job.id) {
    throw failure(
      'E_RESULTS',
      id === undefined
        ? `${folder} does not hold all that compile.sh writes`
        : `${folder} was compiled from other files than these`,
      'prepare, compile and prove again with the same source, headers, module and options',
    );
  }
  requireWhole((await text('lacks'))?.trim());
  await requireTools(workspace.machine, [TOOLS.strip]);
  const read = async (name: string): Promise<Compiled> => {
    const log = `${job.order.command.join(' ')}\n${(await text(`${name}.log`)) ?? ''}`;
    const status = (await text(`${name}.status`))?.trim();
    const bytes =
      status === '0'
        ? await stripped(workspace, join(folder, `${name}.ko`), job.module, named + name)
        : undefined;
    if (bytes !== undefined) return { bytes, log, command: job.order.command };
    throw await buildFailed(workspace, job.module, log.split('\n'), log);
  };
  const unchanged = await read('unchanged');
  const patched = job.builds.has('patched') ? await read('patched') : unchanged;
  return { unchanged, patched, compiler: await reported(text) };
}

/** Names of programs that compile.sh has not found. */
function requireWhole(lacks: string | undefined): void {
  if (lacks === undefined || lacks === '') return;
  throw failure(
    'E_TOOLS_MISSING',
    `the image has no ${lacks.slice(0, 400).split(/\s+/).join(', no ')}`,
    'give an image in which its own package manager has installed make and the kernel’s gcc',
  );
}

async function reported(text: (name: string) => Promise<string | undefined>): Promise<ReportedCompiler> {
  const sum = /^[0-9a-f]{64}(?= )/.exec((await text('compiler.sha256')) ?? '')?.[0];
  return { answer: compilerAnswer((await text('compiler')) ?? ''), sha256: sum ?? null };
}

/** By this machine's strip, as every other build: a system of 2003 need not know the option. */
async function stripped(
  workspace: Reader,
  path: string,
  module: string,
  label: string,
): Promise<Buffer | undefined> {
  const { machine } = workspace;
  if ((await machine.lstat(path))?.type !== 'file') return undefined;
  const folder = buildFolder(await workspace.userFolder(label), MODULE_LABEL);
  await layOut(
    workspace,
    folder,
    '.',
    new Map([[`${module}.ko`, await machine.read(path, LIMITS.moduleBytes)]]),
  );
  return readBuilt(workspace, folder, `${module}.ko`, 'module');
}
