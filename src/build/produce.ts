import { firstStep, type StepChain } from '../progress.ts';
import { type LateCache, lateCache, noCache } from '../work/cache.ts';
import { architectureVars } from './architecture.ts';
import { type Artifact, proveArtifact } from './artifact.ts';
import type { Files } from './compile.ts';
import { prepareJob } from './elsewhere/builds.ts';
import type { BuildContext, StepContext } from './job.ts';
import { linkedModules } from './linked-modules.ts';
import { type Patched, patchSource } from './patch-source.ts';
import { stoppingOnFailure } from './running-builds.ts';
import { fetchPackages, proveReported, type Sources, takeSources } from './sources.ts';
import { withNamedTools } from './toolchain/named-tools.ts';
import { openToolchain } from './toolchain/toolchain.ts';

/**
 * The steps from nothing to a proven module, in the order in which a plan names them. `apply` and `build` both run
 * exactly these. After a step that failed no compiler runs any more: the work folder may be removed.
 */
export function productionSteps(given: BuildContext): StepChain<Artifact> {
  const { job } = given;
  const cache = given.cache === noCache ? undefined : lateCache(given.cache);
  const context = openedContext(given, cache);
  return patchedSteps(context)
    .next(`Compile ${job.module.name}.ko, patched and unchanged`, (sources) =>
      stoppingOnFailure(sources.running, async () => {
        // Meanwhile: reading the guest's other modules needs no compiler.
        const linked = linkedModules(job, job.shipped.bytes);
        linked.catch(() => {});
        const builds = await sources.running.result();
        sources.headers.requireUnchanged?.();
        const reported = await proveReported(context, sources, builds);
        return { value: { ...sources, ...reported, linked, builds } };
      }),
    )
    .next('Prove that it belongs to the kernel', (built, progress) =>
      stoppingOnFailure(built.running, async () => {
        const artifact = await proveArtifact({ ...context, progress }, built);
        // Only a build for which every proof holds, and none was waived, may serve another.
        if (artifact.info.proofs.every(({ ok }) => ok)) await cache?.commit();
        return { value: artifact, text: `${artifact.info.proofs.length} proofs` };
      }),
    );
}

/** What was prepared for an image's compiler. */
export interface Preparation {
  readonly patch: Patched['patch'];
  /** Names what goes in; the results must name it too. */
  readonly id: string;
}

/** The same steps up to the compiler: what it needs goes into a folder, which an image of the kernel's time compiles. */
export function prepareSteps(given: BuildContext, output: string): StepChain<Preparation> {
  const context = openedContext({ ...given, phase: { kind: 'prepare' } }, undefined);
  return patchedSteps(context).next('Write the folder for compile.sh', async (sources, progress) => {
    const { source, headers, patched } = sources;
    const job = await prepareJob(
      { ...context, toolchain: await context.toolchain, progress },
      { headers, unchanged: source.files, patched: correctedFiles(sources) },
      output,
    );
    return { value: { patch: patched.patch, id: job.id }, text: output };
  });
}

type OpenedContext = Omit<StepContext, 'progress'>;

function openedContext(given: BuildContext, cache: LateCache | undefined): OpenedContext {
  const makeVars = [...architectureVars(given.job, given.options), ...given.options.makeVars];
  const toolchain = openToolchain(given.options.toolchain, given.job.guest).then((opened) =>
    withNamedTools(opened, makeVars),
  );
  toolchain.catch(() => {});
  return { ...given, cache: cache ?? noCache, options: { ...given.options, makeVars }, toolchain };
}

/** Source and headers, and the driver as it is to be compiled. */
interface PatchedSources extends Sources {
  readonly patched: Patched;
}

function patchedSteps(context: OpenedContext): StepChain<PatchedSources> {
  const { job } = context;
  return firstStep('Fetch packages', async (progress) => {
    const fetched = await fetchPackages({ ...context, progress });
    const names = fetched.packages.map(({ name, version }) => `${name} ${version}`);
    return { value: fetched, text: names.join(', ') || 'none needed' };
  })
    .next('Get the driver’s source and the kernel’s headers', async (fetched, progress) => {
      const sources = await takeSources({ ...context, progress }, fetched);
      return { value: sources, text: sources.beforehand.map(({ detail }) => detail).join('; ') };
    })
    .next('Patch', (sources) =>
      stoppingOnFailure(sources.running, async () => {
        const patched = patchSource(job, sources.source, sources.headers);
        const { file, patch } = patched;
        const value = { ...sources, patched };
        sources.running.patched(correctedFiles(value));
        const text =
          patch === null
            ? `${file} has no such branch: it is rebuilt unchanged`
            : `${file} lines ${patch.firstLine}–${patch.lastLine}, ${patch.name} (${patch.origin})`;
        return { value, text };
      }),
    );
}

/** The driver's folder with the corrected file; undefined where there is nothing to correct. */
function correctedFiles({ source, patched }: Pick<PatchedSources, 'source' | 'patched'>): Files | undefined {
  return patched.patch === null ? undefined : new Map(source.files).set(patched.file, patched.compiled);
}
