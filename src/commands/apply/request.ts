import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { failure } from '../../errors.ts';
import type { Plan } from '../../plan/document.ts';
import { notAPlan, parsePlan, requestOf } from '../../plan/given.ts';
import type { InstallOptions, PlanRequest } from '../../plan/plan.ts';
import { type BuildFlags, buildOptions, requireMeaningful } from '../shared/build-options.ts';
import type { CommonOptions } from '../shared/options.ts';

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
export async function applyRequest(
  options: Pick<CommonOptions, 'root' | 'kernel'> & BuildFlags & InstallOptions & { readonly plan?: string },
): Promise<ApplyRequest> {
  const { root, kernel } = options;
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

/** Reads a file, or standard input for `-`; no more than a plan can have. */
async function readAtMost(path: string, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    const stream = path === '-' ? process.stdin : (await open(path)).createReadStream();
    for await (const chunk of stream) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_PLAN_BYTES) break;
    }
  } catch (error) {
    throw notAPlan(name, (error as Error).message);
  }
  if (length <= MAX_PLAN_BYTES) return Buffer.concat(chunks).toString('utf8');
  throw notAPlan(name, `it is larger than ${MAX_PLAN_BYTES} bytes`);
}
