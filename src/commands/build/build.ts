import { basename, join, resolve } from 'node:path';
import type { Artifact } from '../../build/artifact.ts';
import { requireNative } from '../../build/compiler.ts';
import type { Job } from '../../build/job.ts';
import { failure } from '../../errors.ts';
import { sha256 } from '../../hash.ts';
import { makeFolders } from '../../machine/folders.ts';
import { localTarget } from '../../machine/tree.ts';
import { toolVersion } from '../../package-root.ts';
import { printResult } from '../../ui/output.ts';
import { type BuildFlags, buildOptions, type WorkFlags } from '../shared/build-options.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import type { CommonOptions } from '../shared/options.ts';
import { produce } from '../shared/produce.ts';
import type { BuildResult } from './document.ts';
import { buildJob } from './job.ts';
import { buildPage } from './page.ts';

export interface BuildCommandOptions extends CommonOptions, BuildFlags, WorkFlags {
  readonly module?: string;
  readonly output: string;
}

/** `mptfix build`: a proven module into a folder. Needs no root; no guest is written to. */
export async function build(flags: BuildCommandOptions, signal: AbortSignal): Promise<number> {
  const options = buildOptions(flags);
  if (flags.module === undefined) await reportInterrupted(flags);
  const job = await buildJob(flags, options);
  requireNative(job, options);
  const output = resolve(flags.output);
  await requireFolder(output);
  const artifact = await produce({ job, options, signal }, flags, (production) => production);
  const result = await write(output, job, artifact);
  printResult(flags, result, buildPage(result));
  return 0;
}

/** Found out before minutes of work. */
async function requireFolder(output: string): Promise<void> {
  const machine = localTarget({ dryRun: false });
  const next = 'give --output a folder that you may write to';
  try {
    await makeFolders(machine, output);
  } catch (cause) {
    throw failure('E_OUTPUT', `cannot make ${output}: ${(cause as Error).message}`, next, { cause });
  }
  const answer = await machine.writable(output);
  if (answer !== 'yes') throw failure('E_OUTPUT', `${output} may not be written to (${answer})`, next);
}

async function write(output: string, job: Job, artifact: Artifact): Promise<BuildResult> {
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
