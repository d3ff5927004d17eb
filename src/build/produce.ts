import { firstStep, type StepChain } from '../progress.ts';
import { lateCache, noCache } from '../work/cache.ts';
import { architectureVars } from './architecture.ts';
import { type Artifact, proveArtifact } from './artifact.ts';
import type { BuildContext } from './job.ts';
import { linkedModules } from './linked-modules.ts';
import { patchSource } from './patch-source.ts';
import { fetchPackages, takeSources } from './sources.ts';
import { withNamedTools } from './toolchain/named-tools.ts';
import { openToolchain } from './toolchain/toolchain.ts';
import { stoppingOnFailure } from './two-builds.ts';

/**
 * The steps from nothing to a proven module, in the order in which a plan names them. `apply` and `build` both run
 * exactly these. After a step that failed no compiler runs any more: the work folder may be removed.
 */
export function productionSteps(given: BuildContext): StepChain<Artifact> {
  const { job } = given;
  const cache = given.cache === noCache ? undefined : lateCache(given.cache);
  const makeVars = [...architectureVars(job, given.options), ...given.options.makeVars];
  const toolchain = openToolchain(given.options.toolchain, job.guest).then((opened) =>
    withNamedTools(opened, makeVars),
  );
  toolchain.catch(() => {});
  const context = { ...given, cache: cache ?? noCache, options: { ...given.options, makeVars }, toolchain };
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
        const { file, patch, compiled } = patched;
        sources.running.patched(
          patch === null ? undefined : new Map(sources.source.files).set(file, compiled),
        );
        const text =
          patch === null
            ? `${file} has no such branch: it is rebuilt unchanged`
            : `${file} lines ${patch.firstLine}–${patch.lastLine}, ${patch.name} (${patch.origin})`;
        return { value: { ...sources, patched }, text };
      }),
    )
    .next(`Compile ${job.module.name}.ko, patched and unchanged`, (sources) =>
      stoppingOnFailure(sources.running, async () => {
        // Meanwhile: reading the guest's other modules needs no compiler.
        const linked = linkedModules(job, job.shipped.bytes);
        linked.catch(() => {});
        return { value: { ...sources, linked, builds: await sources.running.result() } };
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
