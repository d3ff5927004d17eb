import { resolve } from 'node:path';
import { asFailure } from '../../as-failure.ts';
import type { Artifact } from '../../build/artifact.ts';
import type { BuildContext, Job } from '../../build/job.ts';
import { failure } from '../../errors.ts';
import { initramfsImages } from '../../initramfs/tools.ts';
import { type Installation, install } from '../../install/install.ts';
import type { Manifest } from '../../install/manifest.ts';
import type { Target } from '../../machine/port.ts';
import { localTarget } from '../../machine/tree.ts';
import { toolVersion } from '../../package-root.ts';
import type { Plan } from '../../plan/document.ts';
import { notAPlan, parsePlan, requestOf, requireUnchanged } from '../../plan/given.ts';
import type { InstallOptions, PlanRequest } from '../../plan/plan.ts';
import { prepare } from '../../plan/prepare.ts';
import { lockGuest, whileLocked } from '../../transaction/lock.ts';
import { lookingAt, typedShell, whereabouts } from '../../typed.ts';
import { printResult, type View } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { confirm } from '../../ui/prompt.ts';
import { planPage } from '../plan/page.ts';
import {
  type BuildFlags,
  buildOptions,
  requireMeaningful,
  type WorkFlags,
  workBase,
} from '../shared/build-options.ts';
import { foresee, jobOf, requireApplicable } from '../shared/foresee.ts';
import { installMissingTools } from '../shared/install-tools.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type CommonOptions, type MutatingOptions, openTarget } from '../shared/options.ts';
import { produce } from '../shared/produce.ts';
import { settleInterrupted } from '../shared/settle.ts';
import type { ApplyResult } from './document.ts';
import { applyPage } from './page.ts';

export interface ApplyOptions extends CommonOptions, BuildFlags, WorkFlags, InstallOptions, MutatingOptions {
  /** `--plan`: a file with what `plan --json` printed, or - for standard input. */
  readonly plan?: string;
  readonly installTools: boolean;
  /** `--bundle`: a .run file; with `--host` alone. */
  readonly bundle?: string;
}

/** `mptfix apply`: reads and plans, or takes a plan that still holds, then does exactly what was planned. */
export async function apply(options: ApplyOptions, signal: AbortSignal): Promise<number> {
  if (options.bundle !== undefined) {
    throw failure(
      'E_USAGE',
      '--bundle is installed over ssh, and there is no --host',
      `add --host root@HOST; or run the bundle itself, as root on its guest: ${typedShell(['sh', options.bundle, 'apply'])}`,
    );
  }
  const request = await applyRequest(options);
  // A plan names the guest, where the command line does not.
  const { root, given } = request;
  const where = whereabouts({ root, kernel: given?.kernel.release ?? options.kernel });
  return lookingAt(where, () => applyTo(request, options, signal));
}

async function applyTo(request: ApplyRequest, options: ApplyOptions, signal: AbortSignal): Promise<number> {
  const { sshOption } = options;
  const target = openTarget({ root: request.root, sshOption }, options.dryRun);
  if (options.dryRun) {
    await reportInterrupted(request);
    const plan = await currentPlan(target, request);
    const { installTools: installsTools } = options;
    await foresee(target, plan, { ...foreseen(request, options, signal), installsTools });
    return show(options, { ...outcome('planned', plan), manifest: null });
  }
  const result = await whileLocked(lockGuest(target), () =>
    applyLocked(target, request, { options, signal }),
  );
  return show(options, result);
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
  await requireApplicable(target, plan, foreseen(request, options, signal));
  await confirm(planPage(plan), options, signal);
  const manifest = await carryOut(target, plan, { options: build, signal }, options);
  return { ...outcome('patched', plan), manifest };
}

export function foreseen(request: ApplyRequest, options: WorkFlags, signal: AbortSignal) {
  return { options: request.plan.build, workBase: workBase(options), signal };
}

/** What is to be done as the guest is now. Throws E_PLAN_STALE where that is not what a given plan says. */
export async function currentPlan(target: Target, { plan, given }: ApplyRequest): Promise<Plan> {
  const current = await prepare(target, plan);
  if (given !== undefined) await requireUnchanged(given, current, localTarget({ dryRun: true }));
  return current;
}

export function outcome(
  result: ApplyResult['result'],
  plan: Plan,
): Omit<ApplyResult, 'manifest'> & { readonly plan: Plan } {
  return { schema: 'mptfix.apply/1', result, reason: plan.reason, plan };
}

export function show(options: View, result: ApplyResult): number {
  printResult(options, result, pageOf(result));
  return 0;
}

function pageOf({ manifest, plan, reason }: ApplyResult): string {
  if (manifest !== null) return applyPage(manifest);
  return plan === null ? printable(reason) : planPage(plan);
}

/** What was planned, step by step; the guest is written to in the last one only. */
async function carryOut(
  target: Target,
  plan: Plan,
  { options, signal }: Pick<BuildContext, 'options' | 'signal'>,
  view: WorkFlags & View,
): Promise<Manifest> {
  const job = await jobOf(target, plan);
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

/** What an apply is asked for: a plan to make, or one that was given and must still hold. */
export interface ApplyRequest {
  /** `--root`; undefined: this machine. */
  readonly root: string | undefined;
  readonly plan: PlanRequest;
  readonly given: Plan | undefined;
}

/** A plan has some kilobytes: what is larger is something else. */
const MAX_PLAN_BYTES = 1024 * 1024;

/**
 * Reads the command line, and with `--plan` the file: then the plan names guest, kernel and all choices.
 * Throws E_USAGE where the options cannot be meant, the file is no plan, or it names another guest.
 */
export async function applyRequest(options: ApplyOptions): Promise<ApplyRequest> {
  const { root, host, kernel } = options;
  if (options.plan === undefined) {
    const { placement, initramfs, bootEntry } = options;
    return {
      root,
      plan: { kernel, build: buildOptions(options), install: { placement, initramfs, bootEntry } },
      given: undefined,
    };
  }
  const name = options.plan === '-' ? 'standard input' : options.plan;
  const given = parsePlan(await readAtMost(options.plan, name), name);
  const plan = requestOf(given);
  requireMeaningful(plan.build);
  requireSame('--root', root === undefined ? undefined : resolve(root), given.root);
  requireSame('--host', host, given.root === null ? given.target : given.root);
  requireSame('--kernel', kernel, given.kernel.release);
  return { root: given.root ?? undefined, plan, given };
}

function requireSame(option: string, typed: string | undefined, planned: string | null): void {
  if (typed === undefined || typed === planned) return;
  throw failure(
    'E_USAGE',
    `${option} ${typed} is not what the plan is for: ${planned ?? 'this machine'}`,
    `leave ${option} out: the plan names the guest and its kernel`,
  );
}

function cannotRead(name: string, error: unknown): never {
  const { code, what } = asFailure(error);
  throw code === 'E_NOT_ROOT' || code === 'E_INTERNAL' ? error : notAPlan(name, what);
}

/** Reads a file, or standard input for `-`; no more than a plan can have. */
async function readAtMost(path: string, name: string): Promise<string> {
  if (path !== '-') {
    const content = localTarget({ dryRun: true }).read(resolve(path), MAX_PLAN_BYTES);
    return (await content.catch((error: unknown) => cannotRead(name, error))).toString('utf8');
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_PLAN_BYTES) break;
  }
  if (length <= MAX_PLAN_BYTES) return Buffer.concat(chunks).toString('utf8');
  throw notAPlan(name, `it is larger than ${MAX_PLAN_BYTES} bytes`);
}
