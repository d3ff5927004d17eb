import { undoBundle } from '../../bundle/undo-only.ts';
import type { HostTarget } from '../../machine/ssh/target.ts';
import { confirm } from '../../ui/prompt.ts';
import { actOnHosts, type OneHost as Host, type HostsOptions } from '../shared/hosts.ts';
import { reportInterrupted } from '../shared/interrupted.ts';
import { requireRootThere, runOnGuest, settleOnGuest } from '../shared/on-guest.ts';
import { openHost } from '../shared/options.ts';
import type { RollbackResult } from './document.ts';
import { rollbackPage } from './page.ts';
import {
  bootLoaderWords,
  decide,
  type RollbackOptions,
  requireManifest,
  resultOf,
  show,
} from './rollback.ts';

type OneHost = Host<RollbackOptions>;

/**
 * `mptfix rollback --host`: decided here from the guest's own records, and put back there by the bundle's installer, which
 * is sent without a module. So it undoes what a bundle has installed and what mptfix has.
 */
export async function rollbackOnHosts(
  options: HostsOptions<RollbackOptions>,
  signal: AbortSignal,
): Promise<number> {
  const guests = options.host.map((host): OneHost => ({ ...options, host }));
  const { failFast } = options;
  const act = (guest: OneHost): Promise<RollbackResult> => rollbackOne(guest, signal);
  return actOnHosts(
    { schema: 'mptfix.rollbacks/1', guests, failFast, act, cells: cellsOf, show },
    options,
    signal,
  );
}

function cellsOf({ result, kernel, generations }: RollbackResult): readonly [string, string, string] {
  return [result, kernel, generations.join(', ')];
}

async function rollbackOne(options: OneHost, signal: AbortSignal): Promise<RollbackResult> {
  const target = openHost(options, options.dryRun);
  if (options.dryRun) await reportInterrupted(options);
  else {
    await requireRootThere(target);
    await settleOnGuest(target);
  }
  const plan = await decide(target, options);
  const warnings = await bootLoaderWords(target, plan);
  const result = { ...resultOf(plan, options.dryRun ? 'planned' : 'rolled-back'), warnings };
  if (options.dryRun || plan.undo.length === 0) return result;
  const manifests = plan.undo.map(requireManifest);
  await confirm(rollbackPage({ ...result, result: 'planned' }), options, signal);
  const left: string[] = [];
  for (const { kernel, module } of manifests) {
    // Between two generations the guest is whole.
    signal.throwIfAborted();
    left.push(
      ...(await undoOne(target, { kernel, module: { ...module, sha256: module.before.sha256 } }, options)),
    );
  }
  const images = manifests.flatMap((one) =>
    one.images.map(({ path }) => ({
      path,
      how: left.includes(path) ? ('left' as const) : ('restored' as const),
    })),
  );
  return { ...result, images, left: [...new Set(left)] };
}

const LEFT = /; left as they are:([^;]*)/;

/** Answers the files that were left. */
async function undoOne(
  target: HostTarget,
  { kernel, module }: Parameters<typeof undoBundle>[0],
  { force }: Pick<RollbackOptions, 'force'>,
): Promise<readonly string[]> {
  const bundle = await undoBundle({ kernel, module });
  const { detail } = await runOnGuest(target, bundle, { verb: 'rollback', force });
  return (LEFT.exec(detail)?.[1] ?? '').split(' ').filter((path) => path !== '');
}
