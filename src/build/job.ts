import type { BuildOptions } from '../build-options.ts';
import type { KernelIdentity } from '../guest/document.ts';
import type { ModuleContent, ModuleIdentity } from '../guest/module-file.ts';
import type { Origin } from '../kernel-source/provider.ts';
import type { Target } from '../machine/port.ts';
import type { Progress } from '../progress.ts';
import type { Cache } from '../work/cache.ts';
import type { Workspace } from '../work/workspace.ts';
import type { Toolchain } from './toolchain/toolchain.ts';

/** What is to be produced: a corrected module in the place of one that is there. */
export interface Job {
  readonly kernel: KernelIdentity;
  readonly module: ModuleIdentity;
  /** The module that it replaces: what it must fit, and what the unchanged source must give again. */
  readonly shipped: ModuleContent;
  /** Whether the source must have the branch; a fixed module's may have none, and is then only rebuilt and proven. */
  readonly expectBranch: boolean;
  readonly source: Origin;
  readonly headers: Origin;
  /** Whose archives, headers and other modules count; undefined where only a module file was given. */
  readonly guest: Target | undefined;
}

/** What every step of a production has at hand. */
export interface BuildContext {
  readonly job: Job;
  readonly options: BuildOptions;
  /** `noCache` with --no-cache. */
  readonly cache: Cache;
  readonly workspace: Workspace;
  readonly signal: AbortSignal;
  /** Where another program compiles between two runs of mptfix: which of the two this is. */
  readonly phase?: Phase | undefined;
}

/** A build in three phases, as Dockerfile.build has them: mptfix prepares, compile.sh compiles in an image, mptfix proves. */
export type Phase =
  /** Nothing is compiled: `prepareSteps`. */
  | { readonly kind: 'prepare' }
  /** From the folder with what compile.sh has left. */
  | { readonly kind: 'prove'; readonly results: string };

/** One step of it, with what it reports to. */
export interface StepContext extends BuildContext {
  readonly toolchain: Promise<Toolchain>;
  readonly progress: Progress;
}
