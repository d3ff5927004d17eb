import type { Progress, Step } from '../progress.ts';
import type { Headers } from '../source/headers.ts';
import type { Workspace } from '../target/workspace.ts';
import { type Artifact, proveArtifact, proveBeforehand } from './artifact.ts';
import { compileBoth } from './compile-both.ts';
import type { Job, Making } from './job.ts';
import { fetchPackages, obtainHeaders, obtainSource } from './obtain.ts';
import { obtainTree } from './obtain-tree.ts';
import { patchSource } from './patch-source.ts';

/** What each step leaves for the next; a step runs only after the one before it. */
export interface Made {
  fetched: Awaited<ReturnType<typeof fetchPackages>>;
  source: Awaited<ReturnType<typeof obtainSource>>;
  headers: Awaited<ReturnType<typeof obtainHeaders>>;
  beforehand: Awaited<ReturnType<typeof proveBeforehand>>;
  patched: ReturnType<typeof patchSource>;
  builds: Awaited<ReturnType<typeof compileBoth>>;
  artifact: Artifact;
}

/**
 * The steps from nothing to a proven module, in the order in which a plan tells them; `made` is filled as they run.
 * `apply` and `build` both run exactly these.
 */
export function productionSteps(
  job: Job,
  making: Making,
  workspace: Workspace,
  made: Made,
  signal: AbortSignal,
): readonly Step[] {
  return [
    {
      title: 'Fetch packages',
      run: async (progress) => {
        made.fetched = await fetchPackages(job, workspace, progress, signal);
        return (
          made.fetched.packages.map(({ name, version }) => `${name} ${version}`).join(', ') || 'none needed'
        );
      },
    },
    {
      title: 'Take the driver’s source and the kernel’s headers',
      run: async (progress) => {
        [made.source, made.headers] = await bothOf(
          obtainSource(job, made.fetched, workspace, progress, making.cache, signal),
          headersOf(job, making, made, workspace, progress, signal),
        );
        made.beforehand = await proveBeforehand(job, making, made.source, made.headers, workspace.machine);
        return made.beforehand.map(({ detail }) => detail).join('; ');
      },
    },
    {
      title: 'Patch',
      run: async () => {
        made.patched = patchSource(job, made.source, made.headers);
        const { file, patch } = made.patched;
        if (patch === null) return `${file} has no such branch: it is rebuilt unchanged`;
        return `${file} lines ${patch.firstLine}–${patch.lastLine}, ${patch.name} (${patch.origin})`;
      },
    },
    {
      title: `Compile ${job.module.name}.ko, patched and unchanged`,
      run: async (progress) => {
        made.builds = await compileBoth(job, making, made, workspace, progress, signal);
        return undefined;
      },
    },
    {
      title: 'Prove that it belongs to the kernel',
      run: async () => {
        const packages = [...made.fetched.packages];
        made.artifact = await proveArtifact(job, making, { ...made, packages }, workspace);
        return `${made.artifact.info.proofs.length} proofs`;
      },
    },
  ];
}

async function headersOf(
  job: Job,
  making: Making,
  made: Made,
  workspace: Workspace,
  progress: Progress,
  signal: AbortSignal,
): Promise<Headers> {
  if (!making.wholeTree) return obtainHeaders(job, made.fetched, workspace);
  return obtainTree(job, making, made.fetched, workspace, progress, signal);
}

/** Waits for both whatever happens: nothing may still write into a work folder that is being removed. */
async function bothOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}
