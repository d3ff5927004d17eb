import { mappedLoader, runAgain } from '../../boot/mapped.ts';
import { failure } from '../../errors.ts';
import { kernelFacts } from '../../guest/kernel.ts';
import { type Generation, generations } from '../../install/generations.ts';
import type { Manifest } from '../../install/manifest.ts';
import {
  planRollback,
  type RollbackPlan,
  rollback,
  type Undone,
  undoneTogether,
} from '../../install/rollback.ts';
import type { Target } from '../../machine/port.ts';
import { requireTools, TOOLS } from '../../machine/tools.ts';
import { requireInside, requireWritable } from '../../plan/preflight.ts';
import { lockGuest, whileLocked } from '../../transaction/lock.ts';
import { printResult, type View } from '../../ui/output.ts';
import { confirm } from '../../ui/prompt.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { type CommonOptions, type MutatingOptions, openTarget } from '../shared/options.ts';
import { settleInterrupted } from '../shared/settle.ts';
import type { RollbackResult } from './document.ts';
import { rollbackPage } from './page.ts';

export interface RollbackOptions extends CommonOptions, MutatingOptions {
  readonly to?: number;
  readonly force: boolean;
}

/** `mptfix rollback`: back to the state before the newest generation, or to another one. */
export async function rollbackCommand(options: RollbackOptions, signal: AbortSignal): Promise<number> {
  const target = openTarget(options, options.dryRun);
  if (options.dryRun) {
    await reportInterrupted(options);
    const plan = await decide(target, options);
    return show(options, { ...resultOf(plan, 'planned'), warnings: await bootLoaderWords(target, plan) });
  }
  return show(options, await whileLocked(lockGuest(target), () => rollbackLocked(target, options, signal)));
}

async function rollbackLocked(
  target: Target,
  options: RollbackOptions,
  signal: AbortSignal,
): Promise<RollbackResult> {
  await settleInterrupted(target, 'install', { force: options.force });
  const plan = await decide(target, options);
  const warnings = await bootLoaderWords(target, plan);
  const result = { ...resultOf(plan, 'rolled-back'), warnings };
  if (plan.undo.length === 0) return result;
  await requireTools(target, [TOOLS.depmod]);
  for (const manifest of plan.undo.map(requireManifest)) {
    await requireInside(target, manifest);
    await requireWritable(target, manifest);
  }
  await confirm(rollbackPage({ ...result, result: 'planned' }), options, signal);
  const undone: Undone[] = [];
  for (const generation of plan.undo) {
    // Between two generations the guest is whole; within one it is not to be stopped.
    signal.throwIfAborted();
    undone.push(await rollback(target, generation, options.force));
  }
  return { ...result, ...undoneTogether(undone) };
}

export function requireManifest({ number, folder, manifest }: Generation): Manifest {
  if (manifest !== undefined) return manifest;
  throw failure(
    'E_GENERATION_MISSING',
    `generation ${number} cannot be rolled back: its ${folder}/manifest.json is missing`,
    'put the originals, which are beside it, back by hand as README.md says',
  );
}

export async function decide(
  target: Target,
  options: RollbackOptions,
): Promise<RollbackPlan & { release: string }> {
  const release = await kernelToRollBack(target, options.kernel);
  return {
    ...(await planRollback(target, { kernel: release, to: options.to, force: options.force })),
    release,
  };
}

/** The new image goes, and with it its place on the disk, which a loader such as lilo may have noted. */
export async function bootLoaderWords(target: Target, { undo }: RollbackPlan): Promise<readonly string[]> {
  if (!undo.some(({ manifest }) => (manifest?.images.length ?? 0) > 0)) return [];
  const loader = await mappedLoader(target);
  return loader === undefined ? [] : [runAgain(loader, false)];
}

/** A kernel whose package was removed has left the guest, but its generations have not. */
async function kernelToRollBack(target: Target, wanted: string | undefined): Promise<string> {
  if (wanted !== undefined && (await generations(target)).some(({ kernel }) => kernel === wanted))
    return wanted;
  return (await kernelFacts(target, wanted)).release;
}

export function resultOf(
  { undo, why, release }: RollbackPlan & { release: string },
  result: RollbackResult['result'],
): RollbackResult {
  const last = undo.at(-1)?.manifest?.module;
  return {
    schema: 'mptfix.rollback/1',
    result: undo.length === 0 ? 'nothing-to-do' : result,
    reason: why,
    kernel: release,
    generation: undo[0]?.number ?? null,
    generations: undo.map(({ number }) => number),
    module: last === undefined ? null : { path: last.before.path, sha256: last.before.sha256 },
    index: null,
    images: [],
    left: [],
    warnings: [],
  };
}

export function show(options: View, result: RollbackResult): number {
  printResult(options, result, rollbackPage(result));
  return 0;
}
