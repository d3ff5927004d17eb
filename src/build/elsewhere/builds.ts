import type { Files } from '../compile.ts';
import { compilerWords } from '../compiler.ts';
import type { Building, Builds, RunningBuilds, ShownHeaders } from '../running-builds.ts';
import { compileInImage } from './compile-in-image.ts';
import { type ImageJob, imageJob, writeJob } from './job-folder.ts';
import { readResults } from './results.ts';

/**
 * Both builds in a container image. mptfix does not run there, so nothing begins before both sources are known: then a
 * folder with all of it goes in, and a folder with the results comes out.
 */
export function buildInImage(context: Building, headers: ShownHeaders): RunningBuilds {
  let unchanged: Files | undefined;
  let building: Promise<Builds> | undefined;
  const stopper = new AbortController();
  const signal = AbortSignal.any([context.signal, stopper.signal]);
  return {
    unchanged: (files) => {
      unchanged = files;
    },
    patched: (files) => {
      // Then the folder is all that is wanted: `prepareJob`.
      if (context.phase?.kind === 'prepare') return;
      building = jobFor(context, headers, { unchanged, patched: files }).then((job) =>
        compileJob({ ...context, signal }, job),
      );
      building.catch(() => {});
    },
    result: () => building ?? Promise.reject(new Error('its files were never given')),
    stop: async () => {
      stopper.abort();
      await Promise.allSettled([building]);
    },
  };
}

async function jobFor(
  { job, options, workspace }: Building,
  headers: ShownHeaders,
  { unchanged, patched }: { readonly unchanged: Files | undefined; readonly patched: Files | undefined },
): Promise<ImageJob> {
  if (unchanged === undefined) throw new Error('the unchanged source was never given');
  return imageJob({
    workspace,
    headers,
    module: job.module.name,
    makeVars: options.makeVars,
    compiler: compilerWords(headers, options),
    unchanged,
    patched,
  });
}

/** Writes the folder that compile.sh takes; answers how many builds are in it. */
export async function prepareJob(
  context: Building,
  {
    headers,
    unchanged,
    patched,
  }: { readonly headers: ShownHeaders; readonly unchanged: Files; readonly patched: Files | undefined },
  output: string,
): Promise<ImageJob> {
  const job = await jobFor(context, headers, { unchanged, patched });
  await writeJob(context.workspace, job, output, context.signal);
  return job;
}

async function compileJob(context: Building, job: ImageJob): Promise<Builds> {
  const { workspace, phase, named = '', signal, progress } = context;
  if (phase?.kind === 'prove') return readResults(workspace, job, phase.results, named);
  const own = (name: string): string => workspace.own(`${named}${name}`);
  const [folder, results, storage] = [own('job'), own('results'), own('engine')];
  await writeJob(workspace, job, folder, signal);
  const image = context.toolchain.name;
  await compileInImage({ image, job: folder, results, storage, signal, progress }, workspace);
  signal.throwIfAborted();
  return readResults(workspace, job, results, named);
}
