import { basename, resolve } from 'node:path';
import type { BundleContent } from '../../bundle/content.ts';
import { readBundle } from '../../bundle/read.ts';
import { failure } from '../../errors.ts';
import { kernelFacts } from '../../guest/kernel.ts';
import { sha256 } from '../../hash.ts';
import { generations } from '../../install/generations.ts';
import type { Manifest } from '../../install/manifest.ts';
import { LIMITS } from '../../limits.ts';
import type { HostTarget } from '../../machine/ssh/target.ts';
import { localTarget } from '../../machine/tree.ts';
import type { Plan } from '../../plan/document.ts';
import { transactions } from '../../transaction/store.ts';
import { typed } from '../../typed.ts';
import { say } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { confirm } from '../../ui/prompt.ts';
import { planPage } from '../plan/page.ts';
import { bundleOf } from '../shared/bundle-of.ts';
import { foresee, jobOf, requireApplicable } from '../shared/foresee.ts';
import { actOnHosts, type OneHost as Host, type HostsOptions } from '../shared/hosts.ts';
import { installMissingTools } from '../shared/install-tools.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { requireInPlace, requireRootThere, runOnGuest, settleOnGuest, uidThere } from '../shared/on-guest.ts';
import { openHost } from '../shared/options.ts';
import { produce } from '../shared/produce.ts';
import {
  type ApplyOptions,
  type ApplyRequest,
  applyRequest,
  currentPlan,
  foreseen,
  outcome,
  show,
} from './apply.ts';
import type { ApplyResult } from './document.ts';

type OneHost = Host<ApplyOptions>;

interface GivenBundle {
  readonly file: string;
  readonly bytes: Buffer;
  readonly content: BundleContent;
}

/** `mptfix apply --host`: planned and built here, installed there by the bundle; several guests one after the other. */
export async function applyToHosts(
  options: HostsOptions<ApplyOptions>,
  signal: AbortSignal,
): Promise<number> {
  const bundle = options.bundle === undefined ? undefined : await givenBundle(options.bundle);
  const act = (guest: OneHost): Promise<ApplyResult> =>
    bundle === undefined ? buildAndInstall(guest, signal) : installGiven(guest, bundle, signal);
  const guests = options.host.map((host): OneHost => ({ ...options, host }));
  const { failFast } = options;
  return actOnHosts(
    { schema: 'mptfix.applies/1', guests, failFast, act, cells: cellsOf, show },
    options,
    signal,
  );
}

function cellsOf({ result, plan, manifest }: ApplyResult): readonly [string, string, string] {
  const release = manifest?.kernel.release ?? plan?.kernel.release ?? '';
  return [result, release, manifest === null ? '' : String(manifest.generation)];
}

async function buildAndInstall(options: OneHost, signal: AbortSignal): Promise<ApplyResult> {
  const request = await applyRequest(options);
  requireInPlace(request.plan.install);
  const target = openHost(options, options.dryRun);
  if (options.dryRun) return planOnly(target, request, { options, signal });
  await requireRootThere(target);
  await settleOnGuest(target);
  const plan = await currentPlan(target, request);
  if (!plan.needed) return { ...outcome('nothing-to-do', plan), manifest: null };
  await requireRunning(target, plan);
  if (options.installTools) await installMissingTools(signal);
  await requireApplicable(target, plan, foreseen(request, options, signal));
  await confirm(planPage(plan), options, signal);
  const job = await jobOf(target, plan);
  const context = { job, options: request.plan.build, signal };
  const manifest = await produce(context, options, (production) =>
    production.next('Install over ssh under the journal', async (artifact) => {
      const bundle = await bundleOf(job, artifact);
      if (bundle === undefined) {
        throw failure(
          'E_ARCH_UNSUPPORTED',
          'no bundle is made for the architecture of this guest’s module',
          'run mptfix on the guest itself, or on its mounted disk with --root',
        );
      }
      await runOnGuest(target, bundle.bytes, { verb: 'apply' });
      const value = await manifestOf(target, plan.kernel.release, sha256(artifact.bytes));
      return { value, text: `generation ${value.generation}` };
    }),
  );
  return { ...outcome('patched', plan), manifest };
}

async function planOnly(
  target: HostTarget,
  request: ApplyRequest,
  { options, signal }: { readonly options: OneHost; readonly signal: AbortSignal },
): Promise<ApplyResult> {
  await reportInterrupted(options);
  const plan = await currentPlan(target, request);
  if (plan.needed) await requireRunning(target, plan);
  await foresee(target, plan, {
    ...foreseen(request, options, signal),
    installsTools: options.installTools,
  });
  return { ...outcome('planned', plan), manifest: null };
}

/** The bundle refuses another kernel than the one that runs: nobody could tell it that the guest is the right one. */
async function requireRunning(target: HostTarget, { kernel }: Plan): Promise<void> {
  const running = (await kernelFacts(target, undefined)).release;
  if (running === kernel.release) return;
  throw failure(
    'E_KERNEL_UNKNOWN',
    `over ssh mptfix installs for the kernel that runs: ${target.name} runs ${running}, not ${kernel.release}`,
    `boot ${kernel.release} there first; or build the bundle, copy it to the guest, and run sh FILE.run apply --force there`,
  );
}

/** With `--bundle`. */
async function installGiven(
  options: OneHost,
  { file, bytes, content }: GivenBundle,
  signal: AbortSignal,
): Promise<ApplyResult> {
  const target = openHost(options, options.dryRun);
  if (!options.dryRun) await requireRootThere(target);
  await reportInterrupted(options);
  const interrupted = await isInterrupted(target, options.dryRun);
  const { module } = content;
  const { release } = content.kernel;
  const is = await moduleIs(target, content);
  const nothing = `${module.path} is the module of ${basename(file)} already`;
  const schema = 'mptfix.apply/1';
  if (is === 'new' && !interrupted)
    return { schema, result: 'nothing-to-do', reason: nothing, plan: null, manifest: null };
  if (is === 'other' && !interrupted) {
    throw failure(
      'E_FILE_CHANGED',
      `${module.path} of ${target.name} is not the module that ${basename(file)} was made for`,
      `${typed('check')} shows what it is; without --bundle mptfix builds one for this guest`,
    );
  }
  const reason = `${module.path} of ${release} is replaced by that of ${basename(file)}, and each image that holds it is built again`;
  if (options.dryRun) return { schema, result: 'planned', reason, plan: null, manifest: null };
  await confirm(printable(`${target.name}: ${reason}`), options, signal);
  signal.throwIfAborted();
  const answer = await runOnGuest(target, bytes, { verb: 'apply' });
  if (answer.result === 'unchanged')
    return { schema, result: 'nothing-to-do', reason: nothing, plan: null, manifest: null };
  const manifest = await manifestOf(target, release, sha256(content.bytes));
  return { schema, result: 'patched', reason: answer.detail, plan: null, manifest };
}

/** Only root can tell; a dry run of anybody else does not ask. */
async function isInterrupted(target: HostTarget, isDry: boolean): Promise<boolean> {
  if (isDry && (await uidThere(target)) !== '0') {
    say(printable(`note: this user may not change ${target.name}: apply needs root`));
    return false;
  }
  return (await transactions(target, 'install')).some(({ state }) => state === 'open');
}

async function moduleIs(
  target: HostTarget,
  { kernel, module, bytes }: BundleContent,
): Promise<'old' | 'new' | 'other'> {
  if ((await target.stat(module.path))?.type !== 'file') {
    throw failure(
      'E_KERNEL_UNKNOWN',
      `${target.name} has no ${module.path}, which the bundle for ${kernel.release} replaces`,
      'take the bundle that was built for this guest',
    );
  }
  const hash = await target.hash(module.path, LIMITS.moduleBytes);
  if (hash === sha256(bytes)) return 'new';
  return hash === module.sha256 ? 'old' : 'other';
}

/** What the guest has written down of what was installed just now. */
async function manifestOf(target: HostTarget, release: string, hash: string): Promise<Manifest> {
  const all = await generations(target);
  const mine = all.findLast(({ state, kernel }) => state === 'installed' && kernel === release);
  if (mine?.manifest?.module.after.sha256 === hash) return mine.manifest;
  throw failure(
    'E_STATE_UNSAFE',
    `${target.name} says that it has installed the module, and its records do not show it`,
    `${typed('status')} shows what is there`,
  );
}

async function givenBundle(name: string): Promise<GivenBundle> {
  const file = resolve(name);
  const bytes = await localTarget({ dryRun: true }).read(file, LIMITS.bundleBytes);
  return { file, bytes, content: readBundle(bytes).content };
}
