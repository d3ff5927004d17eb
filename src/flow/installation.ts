import type { Installation } from '../install/install.ts';
import { toolVersion } from '../package-root.ts';
import type { Artifact } from './artifact.ts';
import type { Plan } from './plan.ts';

/** What `install` is to do, from the plan and what was made for it. */
export function installation(plan: Plan, artifact: Artifact, signal: AbortSignal): Installation {
  if (plan.module === null) throw new Error('a plan without a module cannot be installed');
  return {
    kernel: plan.kernel,
    module: plan.module,
    bytes: artifact.bytes,
    artifact: artifact.info,
    buildLog: artifact.log,
    tool: `mptfix ${toolVersion()}`,
    warnings: plan.warnings,
    signal,
  };
}
