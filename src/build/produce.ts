import type { Step } from '../progress.ts';
import type { Workspace } from '../work/workspace.ts';
import { type Artifact, proveArtifact } from './artifact.ts';
import type { RunningBuilds } from './compile-both.ts';
import type { Job, Making } from './job.ts';
import { type LinkedModules, linkedModules } from './linked-modules.ts';
import { fetchPackages } from './obtain.ts';
import { patchSource } from './patch-source.ts';
import { type Taken, takeSources } from './take-sources.ts';

/** What each step leaves for the next; a step runs only after the one before it. */
export interface Made extends Taken {
  fetched: Awaited<ReturnType<typeof fetchPackages>>;
  patched: ReturnType<typeof patchSource>;
  builds: Awaited<ReturnType<RunningBuilds['result']>>;
  linked: Promise<LinkedModules>;
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
  const steps: readonly Step[] = [
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
        await takeSources(job, making, made, workspace, progress, signal);
        return made.beforehand.map(({ detail }) => detail).join('; ');
      },
    },
    {
      title: 'Patch',
      run: async () => {
        made.patched = patchSource(job, made.source, made.headers);
        const { file, patch, after } = made.patched;
        made.running.patched(patch === null ? undefined : new Map(made.source.files).set(file, after));
        if (patch === null) return `${file} has no such branch: it is rebuilt unchanged`;
        return `${file} lines ${patch.firstLine}–${patch.lastLine}, ${patch.name} (${patch.origin})`;
      },
    },
    {
      title: `Compile ${job.module.name}.ko, patched and unchanged`,
      run: async () => {
        // Meanwhile: reading the guest's other modules needs no compiler.
        made.linked = linkedModules(job, job.shipped.bytes);
        made.linked.catch(() => {});
        made.builds = await made.running.result();
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
  return steps.map(({ title, run }) => ({ title, run: (progress) => endingBuilds(made, run(progress)) }));
}

/** No compiler may outlive a step that failed: the work folder is removed then. */
async function endingBuilds<T>(made: Made, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    await made.running?.stop();
    throw error;
  }
}
