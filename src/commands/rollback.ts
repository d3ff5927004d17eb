import type { CommonOptions } from '../cli.ts';
import { failure } from '../errors.ts';
import { kernelFacts } from '../facts/kernel.ts';
import { lockGuest, requireInside, requireWritable } from '../flow/preflight.ts';
import { finishOpen, planRollback, type RollbackPlan, rollback } from '../install/rollback.ts';
import type { Target } from '../target/port.ts';
import { requireTools, TOOLS } from '../target/tools.ts';
import { printResult, say } from '../ui/output.ts';
import { confirm } from './confirm.ts';
import { type MutatingOptions, openTarget } from './options.ts';
import { rollbackPage } from './pages/rollback.ts';

export interface RollbackOptions extends CommonOptions, MutatingOptions {
  readonly to?: number;
  readonly force: boolean;
}

/** What `rollback --json` prints. */
export interface RollbackResult {
  readonly schema: 'mptfix.rollback/1';
  readonly result: 'rolled-back' | 'nothing-to-do' | 'planned';
  readonly reason: string;
  readonly kernel: string;
  /** The generation that is undone. */
  readonly generation: number | null;
  readonly module: { readonly path: string; readonly sha256: string } | null;
  readonly index: 'restored' | 'index rebuilt' | null;
}

/** `mptfix rollback`: back to what the distro shipped. */
export async function rollbackCommand(options: RollbackOptions, signal: AbortSignal): Promise<number> {
  const target = openTarget(options, options.dryRun);
  if (options.dryRun) return show(options, await planned(target, options, 'planned'));
  const lock = await lockGuest(target);
  try {
    return show(options, await rollbackLocked(target, options, signal));
  } finally {
    await lock.release();
  }
}

async function rollbackLocked(
  target: Target,
  options: RollbackOptions,
  signal: AbortSignal,
): Promise<RollbackResult> {
  const finished = await finishOpen(target);
  for (const number of finished)
    say(`an earlier run was stopped in the middle: generation ${number} was put back`);
  const { generation } = await decide(target, options);
  const result = await planned(target, options, generation === undefined ? 'nothing-to-do' : 'rolled-back');
  if (generation === undefined) return result;
  const { manifest } = generation;
  if (manifest === undefined)
    throw failure('E_GENERATION_MISSING', 'its manifest is missing', 'see README.md, by hand');
  await requireTools(target, [TOOLS.depmod]);
  await requireInside(target, manifest);
  await requireWritable(target, manifest);
  await confirm(rollbackPage({ ...result, result: 'planned' }), options, signal);
  return { ...result, index: await rollback(target, generation) };
}

async function decide(target: Target, options: RollbackOptions): Promise<RollbackPlan & { release: string }> {
  const { release } = await kernelFacts(target, options.kernel);
  return {
    ...(await planRollback(target, { kernel: release, to: options.to, force: options.force })),
    release,
  };
}

async function planned(
  target: Target,
  options: RollbackOptions,
  result: RollbackResult['result'],
): Promise<RollbackResult> {
  const { generation, why, release } = await decide(target, options);
  const before = generation?.manifest?.module.before;
  return {
    schema: 'mptfix.rollback/1',
    result: generation === undefined ? 'nothing-to-do' : result,
    reason: why,
    kernel: release,
    generation: generation?.number ?? null,
    module: before === undefined ? null : { path: before.path, sha256: before.sha256 },
    index: null,
  };
}

function show(options: RollbackOptions, result: RollbackResult): number {
  printResult(options, result, rollbackPage(result));
  return 0;
}
