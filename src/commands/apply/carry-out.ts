import type { Artifact } from '../../build/artifact.ts';
import { requireNative } from '../../build/compiler.ts';
import type { BuildContext, Job } from '../../build/job.ts';
import { productionSteps } from '../../build/produce.ts';
import { readModule } from '../../guest/module-file.ts';
import { initramfsImages } from '../../initramfs/tools.ts';
import { type Installation, install } from '../../install/install.ts';
import type { Manifest } from '../../install/manifest.ts';
import type { Target } from '../../machine/port.ts';
import { toolVersion } from '../../package-root.ts';
import type { Plan } from '../../plan/document.ts';
import type { View } from '../../ui/output.ts';
import { runSteps } from '../../ui/steps.ts';
import type { Cache } from '../../work/cache.ts';
import { openWorkspace } from '../../work/workspace.ts';

export interface CarryOutOptions extends Pick<BuildContext, 'options' | 'signal'> {
  /** The folder in which the private work folder is made. */
  readonly workBase: string;
  readonly cache: Cache;
  readonly view: View;
}

/** What was planned, step by step; the guest is written to in the last one only. */
export async function carryOut(
  target: Target,
  plan: Plan,
  { options, signal, workBase, cache, view }: CarryOutOptions,
): Promise<Manifest> {
  const job = await jobOf(target, plan);
  requireNative(job, options);
  const workspace = await openWorkspace(workBase);
  try {
    const { steps, result } = productionSteps({ job, options, cache, workspace, signal }).next(
      'Install under the journal',
      async (artifact, progress) => {
        const installation = await installationOf(target, plan, artifact);
        const manifest = await install(target, { ...installation, progress, signal });
        return { value: manifest, text: `generation ${manifest.generation}` };
      },
    );
    await runSteps(steps, view);
    return await result;
  } finally {
    await workspace.dispose();
  }
}

/** The job of a plan that has something to do. */
async function jobOf(target: Target, { kernel, module, source, headers }: Plan): Promise<Job> {
  if (module === null || source === null || headers === null)
    throw new Error('a plan without a module is no job');
  return {
    kernel,
    module,
    source,
    headers,
    shipped: await readModule(target, module.path),
    expectBranch: true,
    guest: target,
  };
}

/** What `install` is to do, from the plan and what was built for it. */
async function installationOf(
  target: Target,
  { kernel, module, images, placement, bootEntry, warnings }: Plan,
  artifact: Artifact,
): Promise<Omit<Installation, 'progress' | 'signal'>> {
  if (module === null) throw new Error('a plan without a module cannot be installed');
  const rebuilt = new Set(images.filter(({ action }) => action === 'rebuild').map(({ path }) => path));
  const found = await initramfsImages(target, kernel.release);
  return {
    kernel,
    module,
    bytes: artifact.bytes,
    placement,
    images: found.images.flatMap(({ path, tool }) =>
      rebuilt.has(path) && tool !== undefined ? [{ path, tool }] : [],
    ),
    bootEntry,
    artifact: artifact.info,
    buildLog: artifact.log,
    tool: `mptfix ${toolVersion()}`,
    warnings,
  };
}
