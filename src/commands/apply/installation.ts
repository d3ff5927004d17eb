import type { Artifact } from '../../build/artifact.ts';
import { initramfsImages } from '../../initramfs/tools.ts';
import type { Installation } from '../../install/install.ts';
import type { Target } from '../../machine/port.ts';
import { toolVersion } from '../../package-root.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Progress } from '../../progress.ts';

/** What `install` is to do, from the plan and what was made for it. */
export async function installation(
  target: Target,
  plan: Plan,
  artifact: Artifact,
  progress: Progress,
  signal: AbortSignal,
): Promise<Installation> {
  if (plan.module === null) throw new Error('a plan without a module cannot be installed');
  const wanted = new Set(plan.images.filter(({ action }) => action === 'rebuild').map(({ path }) => path));
  const found = await initramfsImages(target, plan.kernel.release);
  const images = found.images.flatMap(({ path, tool }) =>
    wanted.has(path) && tool !== undefined ? [{ path, tool }] : [],
  );
  return {
    kernel: plan.kernel,
    module: plan.module,
    bytes: artifact.bytes,
    placement: plan.placement,
    images,
    bootEntry: plan.bootEntry,
    artifact: artifact.info,
    buildLog: artifact.log,
    tool: `mptfix ${toolVersion()}`,
    warnings: plan.warnings,
    progress,
    signal,
  };
}
