import { type ModuleContent, readModule } from '../guest/module-file.ts';
import type { Target } from '../machine/port.ts';
import type { Origin } from '../plan/origins.ts';
import type { Plan } from '../plan/plan.ts';
import type { Cache } from '../work/cache.ts';

/** What is to be produced: a corrected module in the place of one that is there. */
export interface Job {
  readonly kernel: Plan['kernel'];
  readonly module: NonNullable<Plan['module']>;
  /** The module that it replaces: what it must fit, and what the unchanged source must give again. */
  readonly shipped: ModuleContent;
  /** Whether the source must have the branch; a fixed module's may have none, and is then only rebuilt and proven. */
  readonly expectBranch: boolean;
  readonly source: Origin;
  readonly headers: Origin;
  /** Whose archives, headers and other modules count; absent where only a module file was given. */
  readonly guest?: Target;
}

/** The choices of a user that change how a module is made, and not what it must be. */
export interface Making {
  /** `--make-var NAME=VALUE`, in their order. */
  readonly makeVars: readonly string[];
  /** `--allow-unproven`: go on although the unchanged source's build is not the guest's module. */
  readonly allowUnproven: boolean;
  /** `--whole-tree`: configure the whole source instead of using a build folder. */
  readonly wholeTree: boolean;
  /** `--full`: make all modules of that tree, instead of the one. */
  readonly full: boolean;
  /** `--config`, `--symvers`: for a whole tree whose guest does not have them. */
  readonly config?: string;
  readonly symvers?: string;
  /** `noCache` with --no-cache. */
  readonly cache: Cache;
  readonly sign?: { readonly key: string; readonly certificate: string };
}

/** The job of a plan that has something to do. */
export async function jobOf(target: Target, plan: Plan): Promise<Job> {
  const { kernel, module, source, headers } = plan;
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
