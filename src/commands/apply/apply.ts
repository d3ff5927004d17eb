import { requireNative } from '../../build/compile-both.ts';
import { jobOf } from '../../build/job.ts';
import { type Made, productionSteps } from '../../build/produce.ts';
import { install } from '../../install/install.ts';
import type { Manifest } from '../../install/manifest.ts';
import type { Target } from '../../machine/port.ts';
import type { Plan } from '../../plan/plan.ts';
import { preflight } from '../../plan/preflight.ts';
import { prepare } from '../../plan/prepare.ts';
import type { Step } from '../../progress.ts';
import { lockGuest } from '../../transaction/lock.ts';
import { printResult, say } from '../../ui/output.ts';
import { runSteps } from '../../ui/steps.ts';
import { openWorkspace } from '../../work/workspace.ts';
import { planPage } from '../plan/page.ts';
import { confirm } from '../shared/confirm.ts';
import { installMissingTools } from '../shared/install-tools.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type MakingOptions, makingOf, requireMaking } from '../shared/making.ts';
import {
  type BuildingOptions,
  type InstallingOptions,
  type MutatingOptions,
  openTarget,
  workBase,
} from '../shared/options.ts';
import { settleInterrupted } from '../shared/settle.ts';
import { installation } from './installation.ts';
import { applyPage } from './page.ts';

export interface ApplyOptions extends BuildingOptions, InstallingOptions, MutatingOptions, MakingOptions {
  readonly installTools: boolean;
}

/** What `apply --json` prints. */
interface ApplyResult {
  readonly schema: 'mptfix.apply/1';
  readonly result: 'patched' | 'nothing-to-do' | 'planned';
  readonly reason: string;
  readonly plan: Plan;
  readonly manifest: Manifest | null;
}

/** `mptfix apply`: reads and plans, then does exactly what was planned. */
export async function apply(options: ApplyOptions, signal: AbortSignal): Promise<number> {
  requireMaking(options);
  const target = openTarget(options, options.dryRun);
  if (options.dryRun) {
    await reportInterrupted(options);
    const { plan } = await prepare(target, options);
    return show(options, {
      schema: 'mptfix.apply/1',
      result: 'planned',
      reason: plan.reason,
      plan,
      manifest: null,
    });
  }
  const lock = await lockGuest(target);
  try {
    return show(options, await applyLocked(target, options, signal));
  } finally {
    await lock.release();
  }
}

async function applyLocked(target: Target, options: ApplyOptions, signal: AbortSignal): Promise<ApplyResult> {
  await settleInterrupted(target, 'install');
  const { plan } = await prepare(target, options);
  const { reason } = plan;
  if (!plan.needed)
    return { schema: 'mptfix.apply/1', result: 'nothing-to-do', reason, plan, manifest: null };
  if (options.installTools) await installMissingTools(signal);
  for (const line of await preflight(target, plan, options.signKey !== undefined)) say(`mind: ${line}`);
  await confirm(planPage(plan), options, signal);
  const manifest = await carryOut(target, plan, options, signal);
  return { schema: 'mptfix.apply/1', result: 'patched', reason, plan, manifest };
}

/** What was planned, step by step; the guest is written to in the last one only. */
async function carryOut(
  target: Target,
  plan: Plan,
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<Manifest> {
  const job = await jobOf(target, plan);
  const making = await makingOf(options);
  requireNative(job, making);
  const workspace = await openWorkspace(workBase(options));
  const made = {} as Made;
  let manifest: Manifest | undefined;
  try {
    const last: Step = {
      title: 'Install under the journal',
      run: async (progress) => {
        const wanted = await installation(target, plan, made.artifact, progress, signal);
        manifest = await install(target, wanted);
        return `generation ${manifest.generation}`;
      },
    };
    await runSteps([...productionSteps(job, making, workspace, made, signal), last], options);
  } finally {
    await workspace.dispose();
  }
  if (manifest === undefined) throw new Error('the last step was not run');
  return manifest;
}

function show(options: ApplyOptions, result: ApplyResult): number {
  const page = result.manifest === null ? planPage(result.plan) : applyPage(result.manifest, options);
  printResult(options, result, page);
  return 0;
}
