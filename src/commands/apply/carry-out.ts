import type { Artifact } from '../../build/artifact.ts';
import { requireNative } from '../../build/compiler.ts';
import type { BuildContext, Job } from '../../build/job.ts';
import { readModule } from '../../guest/module-file.ts';
import { initramfsImages } from '../../initramfs/tools.ts';
import { type Installation, install } from '../../install/install.ts';
import type { Manifest } from '../../install/manifest.ts';
import type { Target } from '../../machine/port.ts';
import { toolVersion } from '../../package-root.ts';
import type { Plan } from '../../plan/document.ts';
import type { View } from '../../ui/output.ts';
import type { WorkFlags } from '../shared/build-options.ts';
import { produce } from '../shared/produce.ts';

/** What was planned, step by step; the guest is written to in the last one only. */
export async function carryOut(
  target: Target,
  plan: Plan,
  { options, signal }: Pick<BuildContext, 'options' | 'signal'>,
  view: WorkFlags & View,
): Promise<Manifest> {
  const { kernel, module, source, headers } = plan;
  if (module === null || source === null || headers === null)
    throw new Error('a plan without a module is no job');
  const shipped = await readModule(target, module.path);
  const job: Job = { kernel, module, source, headers, shipped, expectBranch: true, guest: target };
  requireNative(job, options);
  return produce({ job, options, signal }, view, (production) =>
    production.next('Install under the journal', async (artifact, progress) => {
      const installation = await installationOf(target, job, plan, artifact);
      const manifest = await install(target, { ...installation, progress, signal });
      return { value: manifest, text: `generation ${manifest.generation}` };
    }),
  );
}

/** What `install` is to do, from the plan and what was built for it. */
async function installationOf(
  target: Target,
  { kernel, module }: Job,
  { images, placement, bootEntry, warnings }: Plan,
  artifact: Artifact,
): Promise<Omit<Installation, 'progress' | 'signal'>> {
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
