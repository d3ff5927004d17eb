import { basename, join, resolve } from 'node:path';
import type { ArtifactInfo } from '../../artifact-info.ts';
import { requireNative } from '../../build/compile-both.ts';
import type { Job } from '../../build/job.ts';
import { type Made, productionSteps } from '../../build/produce.ts';
import { failure } from '../../errors.ts';
import { sha256 } from '../../hash.ts';
import { makeFolders } from '../../machine/folders.ts';
import { localTarget } from '../../machine/tree.ts';
import { toolVersion } from '../../package-root.ts';
import { printResult } from '../../ui/output.ts';
import { runSteps } from '../../ui/steps.ts';
import { openWorkspace } from '../../work/workspace.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type MakingOptions, makingOf } from '../shared/making.ts';
import { type BuildingOptions, type CommonOptions, workBase } from '../shared/options.ts';
import { buildJob } from './job.ts';
import { buildPage } from './page.ts';

export interface BuildOptions extends CommonOptions, BuildingOptions, MakingOptions {
  readonly module?: string;
  readonly output: string;
}

/** What `build --json` prints, and `manifest.json` holds. */
export interface BuildResult {
  readonly schema: 'mptfix.build/1';
  /** `rebuilt`: the source has no branch; the module is the distro's own again. */
  readonly result: 'patched' | 'rebuilt';
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly tool: string;
  readonly kernel: Job['kernel'];
  readonly module: {
    readonly name: string;
    readonly file: string;
    readonly sha256: string;
    readonly replaces: { readonly path: string; readonly sha256: string };
  };
  readonly artifact: ArtifactInfo;
}

/** `mptfix build`: a proven module into a folder. Needs no root; no guest is written to. */
export async function build(options: BuildOptions, signal: AbortSignal): Promise<number> {
  const making = await makingOf(options);
  if (options.module === undefined) await reportInterrupted(options);
  const job = await buildJob(options);
  requireNative(job, making);
  const output = resolve(options.output);
  await requireFolder(output);
  const workspace = await openWorkspace(workBase(options));
  const made = {} as Made;
  try {
    await runSteps(productionSteps(job, making, workspace, made, signal), options);
  } finally {
    await workspace.dispose();
  }
  const result = await write(output, job, made);
  printResult(options, result, buildPage(result));
  return 0;
}

/** Found out before minutes of work. */
async function requireFolder(output: string): Promise<void> {
  const machine = localTarget({ dryRun: false });
  try {
    await makeFolders(machine, output);
  } catch (error) {
    throw failure(
      'E_OUTPUT',
      `cannot make ${output}: ${(error as Error).message}`,
      'give --output a folder that you may write to',
      {
        cause: error,
      },
    );
  }
  const answer = await machine.writable(output);
  if (answer !== 'yes')
    throw failure(
      'E_OUTPUT',
      `${output} may not be written to (${answer})`,
      'give --output a folder that you may write to',
    );
}

async function write(output: string, job: Job, { artifact }: Made): Promise<BuildResult> {
  const machine = localTarget({ dryRun: false });
  const file = join(output, basename(job.module.path));
  const result: BuildResult = {
    schema: 'mptfix.build/1',
    result: artifact.info.patch === null ? 'rebuilt' : 'patched',
    created: new Date().toISOString(),
    tool: `mptfix ${toolVersion()}`,
    kernel: job.kernel,
    module: {
      name: job.module.name,
      file,
      sha256: sha256(artifact.bytes),
      replaces: { path: job.module.path, sha256: job.module.sha256 },
    },
    artifact: artifact.info,
  };
  await machine.write(file, artifact.bytes);
  await machine.write(join(output, 'build.log'), artifact.log);
  // Last: where it is, all of it is.
  await machine.write(join(output, 'manifest.json'), `${JSON.stringify(result, null, 2)}\n`);
  return result;
}
