import type { Artifact } from '../../build/artifact.ts';
import { requireNative } from '../../build/compiler.ts';
import type { BuildContext, Job } from '../../build/job.ts';
import { readModule } from '../../guest/module-file.ts';
import { initramfsImages } from '../../initramfs/tools.ts';
import { type Installation, install } from '../../install/install.ts';
import type { Manifest } from '../../install/manifest.ts';
import type { Target } from '../../machine/port.ts';
import { localTarget } from '../../machine/tree.ts';
import { toolVersion } from '../../package-root.ts';
import type { Plan } from '../../plan/document.ts';
import { requireUnchanged } from '../../plan/given.ts';
import type { InstallOptions } from '../../plan/plan.ts';
import { preflight } from '../../plan/preflight.ts';
import { prepare } from '../../plan/prepare.ts';
import { lockGuest, whileLocked } from '../../transaction/lock.ts';
import { printResult, say, type View } from '../../ui/output.ts';
import { confirm } from '../../ui/prompt.ts';
import { planPage } from '../plan/page.ts';
import type { BuildFlags, WorkFlags } from '../shared/build-options.ts';
import { installMissingTools } from '../shared/install-tools.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type CommonOptions, type MutatingOptions, openTarget } from '../shared/options.ts';
import { produce } from '../shared/produce.ts';
import { settleInterrupted } from '../shared/settle.ts';
import type { ApplyResult } from './document.ts';
import { applyPage } from './page.ts';
import { type ApplyRequest, applyRequest } from './request.ts';

export interface ApplyOptions extends CommonOptions, BuildFlags, WorkFlags, InstallOptions, MutatingOptions {
  /** `--plan`: a file with what `plan --json` printed, or - for standard input. */
  readonly plan?: string;
  readonly installTools: boolean;
}

/** `mptfix apply`: reads and plans, or takes a plan that still holds, then does exactly what was planned. */
export async function apply(options: ApplyOptions, signal: AbortSignal): Promise<number> {
  const request = await applyRequest(options);
  const target = openTarget(request, options.dryRun);
  if (options.dryRun) {
    await reportInterrupted(request);
    const plan = await currentPlan(target, request);
    return show(options, request, { ...outcome('planned', plan), manifest: null });
  }
  const result = await whileLocked(lockGuest(target), () =>
    applyLocked(target, request, { options, signal }),
  );
  return show(options, request, result);
}

async function applyLocked(
  target: Target,
  request: ApplyRequest,
  { options, signal }: { readonly options: ApplyOptions; readonly signal: AbortSignal },
): Promise<ApplyResult> {
  await settleInterrupted(target, 'install');
  const plan = await currentPlan(target, request);
  if (!plan.needed) return { ...outcome('nothing-to-do', plan), manifest: null };
  const { build } = request.plan;
  if (options.installTools) await installMissingTools(signal);
  for (const line of await preflight(target, plan, build.sign !== undefined)) say(`warning: ${line}`);
  await confirm(planPage(plan), options, signal);
  const manifest = await carryOut(target, plan, { options: build, signal }, options);
  return { ...outcome('patched', plan), manifest };
}

/** What is to be done as the guest is now. Throws E_PLAN_STALE where that is not what a given plan says. */
async function currentPlan(target: Target, { plan, given }: ApplyRequest): Promise<Plan> {
  const current = await prepare(target, plan);
  if (given !== undefined) await requireUnchanged(given, current, localTarget({ dryRun: true }));
  return current;
}

function outcome(result: ApplyResult['result'], plan: Plan): Omit<ApplyResult, 'manifest'> {
  return { schema: 'mptfix.apply/1', result, reason: plan.reason, plan };
}

function show(options: ApplyOptions, { root, given }: ApplyRequest, result: ApplyResult): number {
  const kernel = given?.kernel.release ?? options.kernel;
  const page =
    result.manifest === null ? planPage(result.plan) : applyPage(result.manifest, { root, kernel });
  printResult(options, result, page);
  return 0;
}

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
