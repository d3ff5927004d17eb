import {
  compilePatched,
  patchSource,
  proveArtifact,
  requireNative,
  requireSameVersion,
} from '../flow/artifact.ts';
import { installation } from '../flow/installation.ts';
import { fetchPackages, obtainHeaders, obtainSource } from '../flow/obtain.ts';
import type { Plan } from '../flow/plan.ts';
import { lockGuest, preflight } from '../flow/preflight.ts';
import { prepare } from '../flow/prepare.ts';
import { install } from '../install/install.ts';
import type { ArtifactInfo, Manifest } from '../install/manifest.ts';
import { finishOpen } from '../install/rollback.ts';
import type { Target } from '../target/port.ts';
import { openWorkspace } from '../target/workspace.ts';
import { printResult, say } from '../ui/output.ts';
import { runSteps } from '../ui/steps.ts';
import { confirm } from './confirm.ts';
import { installMissingTools } from './install-tools.ts';
import { type BuildingOptions, type MutatingOptions, openTarget, workBase } from './options.ts';
import { applyPage } from './pages/apply.ts';
import { planPage } from './pages/plan.ts';

export interface ApplyOptions extends BuildingOptions, MutatingOptions {
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
  const target = openTarget(options, options.dryRun);
  if (options.dryRun) {
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
  for (const number of await finishOpen(target)) {
    say(`an earlier run was stopped in the middle: generation ${number} was put back`);
  }
  const { plan } = await prepare(target, options);
  const { reason } = plan;
  if (!plan.needed)
    return { schema: 'mptfix.apply/1', result: 'nothing-to-do', reason, plan, manifest: null };
  if (options.installTools) await installMissingTools(signal);
  await preflight(target, plan);
  await requireNative(target, plan);
  await confirm(planPage(plan), options, signal);
  const manifest = await carryOut(target, plan, options, signal);
  return { schema: 'mptfix.apply/1', result: 'patched', reason, plan, manifest };
}

/** The plan's steps, in the order in which the plan tells them. */
async function carryOut(
  target: Target,
  plan: Plan,
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<Manifest> {
  const workspace = await openWorkspace(workBase(options));
  const made = {} as Made;
  try {
    await runSteps(
      [
        {
          title: 'Fetch packages',
          run: async (progress) => {
            made.fetched = await fetchPackages(target, plan, workspace, progress, signal);
            return (
              made.fetched.packages.map(({ name, version }) => `${name} ${version}`).join(', ') ||
              'none needed'
            );
          },
        },
        {
          title: 'Take the driver’s source',
          run: async (progress) => {
            made.source = await obtainSource(plan, made.fetched, workspace, progress, signal);
            return `${made.source.files.size} files`;
          },
        },
        {
          title: 'Take the kernel’s headers',
          run: async () => {
            made.headers = await obtainHeaders(target, plan, made.fetched, workspace);
            made.versions = requireSameVersion(plan, made.source, made.headers);
            return made.versions.detail;
          },
        },
        {
          title: 'Patch',
          run: async () => {
            made.patched = patchSource(plan, made.source, made.headers);
            const { file, patch } = made.patched;
            return `${file} lines ${patch.firstLine}–${patch.lastLine}, ${patch.name} (${patch.origin})`;
          },
        },
        {
          title: `Compile ${plan.module?.name ?? ''}.ko`,
          run: async (progress) => {
            const { source, patched, headers } = made;
            made.compiled = await compilePatched(plan, source, patched, headers, workspace, progress, signal);
            return undefined;
          },
        },
        {
          title: 'Prove that it belongs to the kernel',
          run: async () => {
            made.artifact = await proveArtifact(target, plan, {
              ...made,
              packages: [...made.fetched.packages] satisfies ArtifactInfo['packages'],
              workspace,
            });
            return `${made.artifact.info.proofs.length} proofs hold`;
          },
        },
        {
          title: 'Back up, install, depmod, verify',
          run: async () => {
            made.manifest = await install(target, installation(plan, made.artifact, signal));
            return `generation ${made.manifest.generation}`;
          },
        },
      ],
      options,
    );
    return made.manifest;
  } finally {
    await workspace.dispose();
  }
}

/** What each step leaves for the next; a step runs only after the one before it. */
interface Made {
  fetched: Awaited<ReturnType<typeof fetchPackages>>;
  source: Awaited<ReturnType<typeof obtainSource>>;
  headers: Awaited<ReturnType<typeof obtainHeaders>>;
  versions: ReturnType<typeof requireSameVersion>;
  patched: ReturnType<typeof patchSource>;
  compiled: Awaited<ReturnType<typeof compilePatched>>;
  artifact: Awaited<ReturnType<typeof proveArtifact>>;
  manifest: Manifest;
}

function show(options: ApplyOptions, result: ApplyResult): number {
  const page = result.manifest === null ? planPage(result.plan) : applyPage(result.manifest, options);
  printResult(options, result, page);
  return 0;
}
